"""No gateway outlives its owner, however the owner ends."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from adapters.gateway.owner import Gateway
from adapters.gateway.settings import Route
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import TransientError
from prompt_lab.names import Side
from tests.adapters.gateway.conftest import KEY, KEY_ENV, ask, issue, route
from tests.adapters.gateway.stand_in import StandIn
from tests.processes import gone, heard, owner, runs, until

pytestmark = pytest.mark.slow  # each test starts a gateway
OWNER = "tests.adapters.gateway.gateway_owner"
ENV = {**os.environ, KEY_ENV: KEY}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_gateway_ends_when_its_owner_is_ended(how: signal.Signals) -> None:
    with owner(OWNER, "wait") as process:
        pid = heard(process)["pid"]
        assert runs(pid)
        process.send_signal(how)
        assert gone(pid)


def test_the_gateway_ends_when_its_owner_leaves() -> None:
    with owner(OWNER, "end") as process:
        pid = heard(process)["pid"]
        assert process.wait(60) == 0
        assert gone(pid)


def test_the_gateway_ends_though_a_fork_of_its_owner_lives_on() -> None:
    with owner(OWNER, "orphan") as process:
        pid, child = heard(process)["pid"], heard(process)["child"]
        try:
            process.kill()
            assert gone(pid)
            assert runs(child)
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def test_a_fork_uses_the_gateway_and_does_not_end_it() -> None:
    with owner(OWNER, "fork") as process:
        pid = heard(process)["pid"]
        answers = [heard(process) for _ in range(3)]
        assert sorted(answers, key=len)[-1] in answers
        assert [a["calls"] for a in answers if "calls" in a] == [0, 0]
        assert gone(pid)


def test_a_closed_gateway_answers_nobody_and_can_be_started_again() -> None:
    gateway = Gateway([route("http://127.0.0.1:9")]).start()
    token = issue(gateway)
    pid = gateway.pid
    assert gateway.start().pid == pid
    gateway.close()
    gateway.close()
    assert pid is not None
    assert gone(pid)
    with pytest.raises(TransientError, match="does not answer"):
        gateway.usage(token)
    with gateway:
        assert gateway.usage(issue(gateway)).calls == 0


def test_a_call_under_way_is_in_the_log_when_the_gateway_is_closed(tmp_path: Path) -> None:
    with StandIn(latency=9) as server, ThreadPoolExecutor(1) as threads:
        gateway = Gateway([route(server.address)], log=tmp_path / "calls.jsonl", env=ENV).start()
        under_way = threads.submit(ask, gateway, issue(gateway))
        until(lambda: server.at_once)
        gateway.close()
        assert isinstance(under_way.exception(), httpx.TransportError)
    (line,) = (tmp_path / "calls.jsonl").read_text("utf-8").splitlines()
    assert "hung up" in json.loads(line)["error"]


def test_what_cannot_work_is_said_before_anything_starts() -> None:
    config = ModelConfig(alias="first", provider="openai_like", id="x", deterministic=True)
    with pytest.raises(ValidationError, match=r"'first' has no base URL: add 'base_url:'"):
        Route(config=config)
    with pytest.raises(ValidationError, match="needs the folder of the recordings"):
        Gateway([], "replay")
    with pytest.raises(TypeError):
        Gateway([]).issue("first", side=Side.BASELINE)  # type: ignore[call-arg]
