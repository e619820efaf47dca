"""`prompt-lab batch`: every line answered once, through retries, refusals and kill -9."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest
from typer.testing import CliRunner
from werkzeug import Request as HttpRequest
from werkzeug import Response
from werkzeug.serving import make_server

from adapters.llm.base import BaseLlm
from adapters.wire.retry import RetryableError
from pipeline.cli.app import app
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ConfigError
from prompt_lab.ports import Answer, Request
from prompt_lab.runner.message_batch import read_messages, run_batch
from prompt_lab.store.files import read_rows
from tests.processes import HANG_SECONDS

Reply = Callable[[dict[str, Any]], Response]


class ChatServer:
    """Answers with the last message's text; `reply` may answer otherwise."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.reply: Reply = answer
        self._lock = Lock()
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, environ: Any, start: Any) -> Any:
        body = json.loads(HttpRequest(environ).get_data())
        with self._lock:
            self.asked.append(body["messages"][-1]["content"])
            self.bodies.append(body)
        return self.reply(body)(environ, start)


def answer(body: dict[str, Any]) -> Response:
    message = {"role": "assistant", "content": f"to {body['messages'][-1]['content']}"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return Response(json.dumps({"model": "m-1", "choices": [choice], "usage": usage}))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    made = ChatServer()
    yield made
    made.close()


def write_lines(path: Path, count: int) -> Path:
    def line(n: int) -> str:
        return json.dumps({"id": f"q{n}", "messages": [{"role": "user", "content": str(n)}]})

    path.write_text("".join(line(n) + "\n" for n in range(count)))
    return path


def words(file: Path, server: ChatServer, *more: str) -> list[str]:
    return ["batch", str(file), "--base-url", server.address, "--model", "m", *more]


def run(file: Path, server: ChatServer, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CliRunner().invoke(app, words(file, server, *more)).output)
    return found


def test_each_line_has_one_row_and_a_second_command_asks_nothing(
    server: ChatServer, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "ask.jsonl", 20)
    found = run(file, server, "--concurrency", "4", "--max-tokens", "7")
    rows = read_rows(tmp_path / "ask.out.jsonl")
    assert {row["id"]: row["text"] for row in rows} == {f"q{n}": f"to {n}" for n in range(20)}
    assert (found["answered"], found["input_tokens"], found["exit_code"]) == (20, 60, 0)
    assert {(body["max_tokens"], "temperature" in body) for body in server.bodies} == {(7, False)}
    again = run(file, server)
    assert (again["found"], again["answered"], len(server.asked)) == (20, 0, 20)
    # Another model answers otherwise: its answers are no repetition.
    assert run(file, server, "--model", "other")["answered"] == 20


def test_a_refused_request_is_a_row_and_an_unanswered_one_is_asked_again(
    server: ChatServer, tmp_path: Path
) -> None:
    def reply(body: dict[str, Any]) -> Response:
        text = body["messages"][-1]["content"]
        if text in ("1", "2"):
            return Response("no", status=400 if text == "1" else 500)
        return answer(body)

    server.reply = reply
    file = write_lines(tmp_path / "ask.jsonl", 4)
    found = run(file, server, "--retries", "0")
    assert (found["answered"], found["refused"], found["unanswered"]) == (2, 1, 1)
    assert found["exit_code"] == 30
    assert "500" in found["fault"]
    server.reply = answer
    again = run(file, server)
    assert (again["found"], again["answered"], again["exit_code"]) == (3, 1, 0)


def test_bad_lines_are_all_named_before_any_call(server: ChatServer, tmp_path: Path) -> None:
    file = tmp_path / "ask.jsonl"
    good = '[{"role": "user", "content": "x"}]'
    file.write_text(f'{good}\n{{"messages": []}}\nx\n{{"messages": {good}, "stream": true}}\n')
    with pytest.raises(ConfigError) as error:
        read_messages(file, "m")
    for line in (2, 3, 4):
        assert f"ask.jsonl, line {line}: " in str(error.value)
    assert server.asked == []


class OnePlace(BaseLlm):
    """Its first call is to be retried, and that pause lasts until the second call was made."""

    def __init__(self) -> None:
        config = ModelConfig(
            alias="m", provider="openai_like", id="m", base_url="http://x", deterministic=True
        )
        self.second = Event()
        self.order: list[str] = []
        super().__init__(config, pause=self._wait)

    def _wait(self, _seconds: float) -> None:
        assert self.second.wait(HANG_SECONDS), "the pause held the place of the second call"

    def _call(self, request: Request) -> Answer:
        text = request.messages[-1]["content"]  # type: ignore[attr-defined]
        self.order.append(text)
        if len(self.order) == 1:
            raise RetryableError("later")
        self.second.set()
        return Answer(text, 1, 1, 0.0)


def test_a_call_that_waits_for_its_retry_does_not_hold_its_place(tmp_path: Path) -> None:
    lines = read_messages(write_lines(tmp_path / "ask.jsonl", 2), "m")
    llm = OnePlace()
    summary = run_batch(lines, llm, tmp_path / "rows.jsonl", concurrency=1)
    assert (summary.answered, summary.retries) == (2, 1)
    first, second, third = llm.order
    assert first != second
    assert first == third


@pytest.mark.slow
def test_after_kill_9_no_call_that_has_a_row_is_made_again(
    server: ChatServer, tmp_path: Path
) -> None:
    total, places = 60, 4
    file, rows = write_lines(tmp_path / "ask.jsonl", total), tmp_path / "ask.out.jsonl"
    enough = Event()

    def reply(body: dict[str, Any]) -> Response:
        if len(server.asked) > total // 2:
            enough.set()
        return answer(body)

    server.reply = reply
    program = [Path(sys.executable).with_name("prompt-lab")]
    process = subprocess.Popen([*program, *words(file, server, "--concurrency", str(places))])
    assert enough.wait(HANG_SECONDS)
    process.kill()
    process.wait()
    kept = {row["id"] for row in read_rows(rows)}
    before = len(server.asked)
    found = run(file, server, "--concurrency", str(places))
    assert {f"q{text}" for text in server.asked[before:]}.isdisjoint(kept)
    assert (found["found"], found["answered"]) == (len(kept), total - len(kept))
    assert sorted(row["id"] for row in read_rows(rows)) == sorted(f"q{n}" for n in range(total))
