"""What servers do wrong reaches no target: the gateway answers in time, in bounded memory."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from adapters.gateway.owner import Gateway
from adapters.gateway.settings import Route
from adapters.wire.dialects import DIALECTS
from adapters.wire.retry import RetryPolicy
from prompt_lab.names import Side
from tests.adapters.gateway.conftest import KEY, KEY_ENV, issue
from tests.adapters.llm.fault_cases import (
    REFUSED,
    FaultCase,
    cases_of,
    quick,
    shape_cases,
    size_cases,
    time_cases,
)
from tests.adapters.llm.faulty_server import FaultyServer, chunked, drip, flood, head, respond, send
from tests.adapters.llm.formats import CHAT, FORMATS, Format

pytestmark = pytest.mark.slow  # starts a gateway
SECONDS = 0.4
SLACK = 5.0
_HTTP = httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(max_connections=None))


class Faulty(NamedTuple):
    """A gateway in front of a server whose script each test sets."""

    gateway: Gateway
    server: FaultyServer
    log: Path

    def ask(self, form: Format, limit: str = "long", **more: Any) -> httpx.Response:
        """One call in a format, of a model that is given long, briefly, or 5 seconds."""
        token = issue(self.gateway, f"{form.name}-{limit}")
        url = f"{self.gateway.url(token).ollama}{DIALECTS[form.name].path}"
        try:
            return _HTTP.post(url, json={**form.request(), **more})
        finally:
            self.gateway.end(token)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    log = tmp_path_factory.mktemp("gateway") / "calls.jsonl"
    patience = RetryPolicy(attempts=2, timeouts=1, first_pause=0, longest_pause=0.01)
    with FaultyServer(send(b"")) as server:
        routes = [
            Route(
                config=form.config(
                    server.address,
                    alias=f"{form.name}-{limit}",
                    key_env=KEY_ENV,
                    timeout_seconds=seconds,
                    workers=32,
                ),
                patience=patience,
            )
            for form in FORMATS
            for limit, seconds in (("long", 20.0), ("brief", SECONDS), ("five", 5.0))
        ]
        with Gateway(routes, log=log, env={KEY_ENV: KEY, "PATH": ""}) as gateway:
            yield Faulty(gateway, server, log)


TABLE = [(form, case) for form in FORMATS for case in quick(cases_of(form))]
OTHERWISE = ("early",)
"""What aiohttp says in other words."""


@pytest.mark.parametrize(("form", "case"), TABLE, ids=lambda value: str(value.name))
def test_6_7_8_what_a_server_does_wrong(faulty: Faulty, form: Format, case: FaultCase) -> None:
    faulty.server.script = case.script
    found = faulty.ask(form)
    if case.outcome == "":
        assert found.status_code == 200, found.text
        reply = DIALECTS[form.name].read(found.content)
        assert (reply.finish, bool(reply.text)) == (case.finish, True)
    elif case.outcome == REFUSED:
        assert 400 <= found.status_code < 500
    else:
        assert found.status_code == 503, found.text[:300]
        assert case.says in (*OTHERWISE, "") or case.says in found.text
    assert KEY not in found.text


@pytest.mark.parametrize("case", time_cases(CHAT), ids=lambda case: case.name)
def test_6_the_deadline_is_one_for_the_whole_call(faulty: Faulty, case: FaultCase) -> None:
    faulty.server.script = case.script
    begun = time.monotonic()
    found = faulty.ask(CHAT, "brief")
    seconds = time.monotonic() - begun
    assert found.status_code == 503
    if case.slow:
        assert SECONDS <= seconds < SECONDS * 1.1 + SLACK


def _event(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, **more}
    return b"data: " + json.dumps({"model": "m", "choices": [choice]}).encode() + b"\n\n"


STREAM = head(Content_Type="text/event-stream")
_LAST = _event("", finish_reason="stop") + b"data: [DONE]\n\n"
STREAMS = {
    "events for ever": flood(STREAM, _event("yes ") * 500),
    "one event for ever": flood(STREAM + b"data: ", b"x" * 65536),
    "an event nested deep": send(STREAM + b"data: {" + b'"a":[' * 90_000 + b"\n\n", end=True),
    "an event of 400 digits": send(
        STREAM + _event("a") + b'data: {"usage": {"prompt_tokens": ' + b"9" * 400 + b"}}\n\n",
        end=True,
    ),
    "no last event": send(STREAM + _event("yes") * 3, end=True),
    "an error in the middle": send(
        STREAM + _event("yes") + b'data: {"error": {"message": "busy"}}\n\n', end=True
    ),
    "a chunk that is none": send(
        head(Content_Type="text/event-stream", Transfer_Encoding="chunked") + b"zz\r\n", end=True
    ),
    "a key, letter by letter": send(STREAM + b"".join(map(_event, KEY)) + _LAST, end=True),
    "no event": send(STREAM, end=True),
    "not UTF-8": send(STREAM + b'data: {"a": "\xff"}\n\n', end=True),
}


@pytest.mark.parametrize("name", STREAMS)
def test_6_7_8_a_stream_that_is_none_is_not_taken_for_one(faulty: Faulty, name: str) -> None:
    faulty.server.script = STREAMS[name]
    try:
        found = faulty.ask(CHAT, stream=True)
    except httpx.HTTPError:
        return  # broken off in the middle
    assert found.status_code == 503, found.text[-300:]
    assert KEY[:6] not in found.text


def test_6_a_stream_has_one_deadline(faulty: Faulty) -> None:
    for script in (
        drip(b":", 0.02, first=STREAM + _event("yes")),
        drip(b"3\r\n:\n\n\r\n" * 400, 0.001, first=chunked()[:-5].replace(b"json", b"json")),
    ):
        faulty.server.script = script
        begun = time.monotonic()
        with suppress(httpx.HTTPError):  # broken off in the middle
            assert faulty.ask(CHAT, "brief", stream=True).status_code == 503
        assert time.monotonic() - begun < SECONDS * 1.1 + SLACK


def test_6_a_client_that_does_not_read_frees_its_place_at_the_deadline(faulty: Faulty) -> None:
    faulty.server.script = flood(STREAM, _event("yes " * 400) * 20)
    token = issue(faulty.gateway, "chat-brief")
    url = f"{faulty.gateway.url(token).openai}/chat/completions"
    with _HTTP.stream("POST", url, json={**CHAT.request(), "stream": True}) as answer:
        assert answer.status_code == 200
        begun = time.monotonic()
        while faulty.gateway.usage(token).open:  # it waits for a few seconds by itself
            assert time.monotonic() - begun < 30
        assert faulty.gateway.calls(token)[0].answered_by == ""


@pytest.mark.long
def test_6_the_deadline_is_kept_within_10_percent(faulty: Faulty) -> None:
    for case in time_cases(CHAT):
        if not case.slow or case.name == "continue for ever":
            continue
        faulty.server.script = case.script
        begun = time.monotonic()
        assert faulty.ask(CHAT, "five").status_code == 503
        assert 5.0 <= time.monotonic() - begun <= 5.5, case.name


def test_6_memory_is_bounded_by_what_a_call_may_take(faulty: Faulty) -> None:
    """Four calls at once of each kind. 8 MB of body, twice while it is put together."""
    process = _process_of(faulty.gateway)
    before = process.memory_info().rss
    peak = 0
    bombs = [case for case in size_cases(CHAT) if case.outcome]
    with ThreadPoolExecutor(4) as threads:
        for case in [*bombs, *(one for one in shape_cases(CHAT) if "millions" in one.name)]:
            faulty.server.script = case.script
            done = [threads.submit(faulty.ask, CHAT) for _ in range(4)]
            while not all(one.done() for one in done):
                peak = max(peak, process.memory_info().rss)
                time.sleep(0.01)
    assert (peak - before) >> 20 < 200


def test_8_a_redirect_to_another_host_is_not_followed(faulty: Faulty) -> None:
    with FaultyServer(respond(200, CHAT.answer("believed"))) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            script = respond(status, b"", Location=f"{elsewhere.address}/v1/chat/completions")
            faulty.server.script = script
            assert faulty.ask(CHAT).status_code == 503
        assert elsewhere.requests == []


def test_7_requests_of_a_target_are_bounded_too(faulty: Faulty) -> None:
    faulty.server.script = respond(200, CHAT.answer("yes"))
    token = issue(faulty.gateway, "chat-long", side=Side.CANDIDATE)
    url = f"{faulty.gateway.url(token).openai}/chat/completions"
    said = b'{"messages": [{"role": "user", "content": "x"}], "x": '
    for more in (b"[" * 200_000 + b"]" * 200_000, b"[" + b"{}," * 1_100_000 + b"1]", b"9" * 5000):
        assert _HTTP.post(url, content=said + more + b"}").status_code == 400


def test_8_no_key_is_in_the_log_of_all_this(faulty: Faulty) -> None:
    faulty.server.script = respond(401, {"error": {"message": f"wrong key {KEY}"}})
    assert faulty.ask(CHAT).status_code == 503
    text = faulty.log.read_text("utf-8")
    assert "[key]" in text
    assert KEY not in text


def _process_of(gateway: Gateway) -> psutil.Process:
    port = int(gateway.url("x").ollama.split(":")[2].partition("/")[0])
    found = [
        child
        for child in psutil.Process().children()
        for one in child.net_connections("tcp")
        if one.status == "LISTEN" and one.laddr.port == port
    ]
    return found[0]
