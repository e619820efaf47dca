"""Models that never answer, each in its own way: no verdict, and nothing is measured."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from pipeline.tasks.noise_floor import NoiseFloor
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld
from tests.pipeline.test_target_gateway import asks

pytestmark = pytest.mark.slow
MakeTarget = Callable[..., TargetWorld]


@pytest.mark.parametrize("status", [429, 503])
def test_where_every_call_dies_there_is_no_verdict(
    make_target: MakeTarget, httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data(
        '{"error": {"message": "told to fail"}}', status, {"Retry-After": "0"}
    )
    url = httpserver.url_for("/v1")
    world = make_target(models={"one": {**DUMMY, "base_url": url}}).small(body=asks(), plans=1)
    world.branch("better", {"src/notes/core.py": BETTER})
    assert not world.iterate(branch="better")
    assert world.runs() == []
    assert not (world.folder / "verdict.json").exists()
    told: list[dict[str, Any]] = [
        json.loads(row)
        for path in world.lab.glob("history/*/*/events.jsonl")
        for row in path.read_text().splitlines()
    ]
    assert any(str(status) in str(row.get("error")) for row in told)


@pytest.mark.parametrize("body", [asks(), asks().replace("(request)", "(request, timeout=0.3)")])
def test_a_model_that_never_answers_is_a_crash_however_the_runs_end(
    make_target: MakeTarget, capfd: pytest.CaptureFixture[str], body: str
) -> None:
    """Whether the plan is ended at its limit, or its own client hangs up."""
    with socket.create_server(("127.0.0.1", 0), backlog=32) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        world = make_target(models={"one": {**DUMMY, "base_url": url, "workers": 4}})
        world.small(body=body, plans=2)  # as many runs as places: all wait at the same time
        world.limit(seconds=4)
        world.branch("better", {"src/notes/core.py": BETTER})
        assert not world.iterate(branch="better")
    statuses = {call["status"] for run in world.runs() for call in run["calls"]}
    assert statuses == {0}
    assert not (world.folder / "verdict.json").exists()
    assert (world.folder / "batch_train.0.json").exists()
    said = capfd.readouterr().err
    assert "there is nothing to compare" in said
    assert "hung up" in said
    assert "Traceback" not in said


def test_where_no_recording_is_found_there_is_no_verdict(
    make_target: MakeTarget, capfd: pytest.CaptureFixture[str]
) -> None:
    world = make_target().small(body=asks())
    world.set_lab(gateway={"mode": "replay", "recordings": "recordings", "by": "request"})
    world.branch("better", {"src/notes/core.py": BETTER})
    assert not world.iterate(branch="better")
    assert not (world.folder / "verdict.json").exists()
    said = capfd.readouterr().err
    assert "No call of one was answered in any of its 3 baseline runs" in said
    assert "no recording of request" in said


def test_where_nobody_answers_no_noise_is_measured(
    make_target: MakeTarget, capfd: pytest.CaptureFixture[str]
) -> None:
    world = make_target().small(body=asks())
    world.set_lab(gateway={"mode": "replay", "recordings": "recordings", "by": "request"})
    assert not world.iterate(NoiseFloor, replicates=2)
    assert "No call of one was answered" in capfd.readouterr().err
    assert not (world.lab / "noise_floor/probe.json").exists()
