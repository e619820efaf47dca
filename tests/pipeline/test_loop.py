"""Loop: it goes on from what was learned, stops for a stated reason, and survives a kill."""

import json
import signal
from collections.abc import Callable
from typing import Any

import luigi
import pytest

from pipeline.tasks.loop import Loop
from tests.pipeline.model_server import ModelServer, reads_right
from tests.pipeline.world import READS_WELL, World, scripted
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
PRICED = {"price": {"input": 100.0, "output": 100.0}}


def _loop(**flags: Any) -> bool:
    return luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")


def _end(world: World, number: int = 1) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(
        (world.lab / f"loops/{number}_read_sum/ended.json").read_text()
    )
    return data


def test_each_iteration_starts_from_the_last_and_the_end_is_explained(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    assert _loop(iterations=2)
    end, said = _end(world), capsys.readouterr().out
    assert (end["stop"]["code"], end["iterations"]) == ("iterations", [1, 2])
    assert "Loop 1: 1 of at most 2 iterations, iteration 1. So far no verdict" in said
    assert said.count("Loop 1: 1 of at most 2") == 1
    assert "Loop 1: 2 of at most 2 iterations, iteration 2. So far 1 YES" in said
    assert "Loop 1  read_sum  stopped: iterations" in said
    assert world.verdict(1).outcome.value == "YES"
    change = world.record(2, "change")
    assert change["base_commit"] == world.record(1, "conclusion")["merged_commit"]
    assert change["source"] == "analysis/1_read_sum/synthesis.md"
    synthesis = (world.folder(2) / "synthesis.md").read_text()
    assert "Tried in iteration 1: YES, effect +1.000" in synthesis
    assert "analysis/1_read_sum/verdict.json" in synthesis
    page = (world.lab / "index.html").read_text()
    assert 'id="loops"' in page
    assert "All 2 iterations made." in page


def test_a_finished_loop_is_told_again_and_the_next_command_begins_another(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    assert _loop(iterations=1)
    said = capsys.readouterr().out
    assert _loop(iterations=1, number=1)
    assert said.endswith(capsys.readouterr().out)
    assert _loop(iterations=1)
    assert _end(world, 2)["iterations"] == [2]


def test_it_stops_at_the_score_and_without_a_yes(make_world: MakeWorld) -> None:
    world = make_world()
    assert _loop(iterations=5, target_score=0.9)
    assert _end(world)["stop"]["code"] == "target_score"
    assert _end(world)["iterations"] == [1]
    assert _loop(iterations=5, without_yes=1)
    assert (_end(world, 2)["stop"]["code"], _end(world, 2)["iterations"]) == ("no_yes", [2])


def test_it_stops_when_nothing_is_left_to_try(make_world: MakeWorld) -> None:
    world = make_world()
    assert _loop(iterations=9, without_yes=9)
    end = _end(world)
    assert end["stop"]["code"] == "no_direction"
    assert "was tried on this prompt" in end["stop"]["text"]
    assert len(end["iterations"]) < 9
    assert not (world.lab / f"analysis/{len(end['iterations']) + 1}_read_sum").exists()


def test_it_stops_before_an_iteration_that_could_pass_the_budget(make_world: MakeWorld) -> None:
    world = make_world(models={"exact": scripted(READS_WELL, **PRICED)})
    assert _loop(iterations=5, budget_usd=0.11)
    assert _end(world)["stop"]["code"] == "budget"
    assert _end(world)["iterations"] == []
    assert not (world.lab / "history").exists()
    assert _loop(iterations=1)  # from now on the prices of a run are known
    assert _loop(iterations=5, budget_usd=0.11)
    end = _end(world, 3)
    assert (end["stop"]["code"], end["iterations"]) == ("budget", [2])
    assert 0 < end["cost_usd"] < 0.11


def test_it_stops_when_no_trial_could_say_yes(make_world: MakeWorld) -> None:
    ledger = {"control": "planned", "budget": 0.05, "iterations": 1}
    world = make_world(policy={"ledger": ledger})
    assert _loop(iterations=5)
    assert (_end(world)["stop"]["code"], _end(world)["iterations"]) == ("no_alpha", [1])


def test_a_killed_loop_goes_on(make_world: MakeWorld) -> None:
    with ModelServer() as server:
        server.behaviour = reads_right
        slow = server.config(deterministic=True)
        world = make_world(models={"slow": slow})
        loop = world.command("Loop", "--iterations", "2")
        until((world.folder(2) / "change.json").exists)
        loop.send_signal(signal.SIGKILL)
        loop.communicate()
        assert not (world.lab / "loops/1_read_sum/ended.json").exists()
        before = (world.folder(1) / "verdict.json").stat().st_mtime_ns
        again = world.command("Loop", "--iterations", "2")
        said, wrong = again.communicate(timeout=HANG_SECONDS)
    assert again.returncode == 0, wrong
    assert "Loop 1: 2 of at most 2" in said
    assert (world.folder(1) / "verdict.json").stat().st_mtime_ns == before
    assert _end(world)["iterations"] == [1, 2]


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--budget-usd", "much", "give a number from 0 on"),
        ("--budget-usd", "-1", "give a number from 0 on"),
        ("--target-score", "75", "give a number from 0 to 1"),
        ("--iterations", "0", "give a whole number from 1 on"),
        ("--number", "7", "the next one is 1"),
        ("--from", "main", "give best-on:<model>"),
    ],
)
def test_bad_flags_are_one_sentence(
    make_world: MakeWorld, flag: str, value: str, words: str
) -> None:
    done = make_world().command("Loop", f"{flag}={value}")
    _, wrong = done.communicate(timeout=HANG_SECONDS)
    assert done.returncode
    assert words in wrong
    assert "Traceback" not in wrong
