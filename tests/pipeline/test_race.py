"""Several candidates on one baseline: all are screened, the best alone is confirmed."""

import json
from collections.abc import Callable

import pytest

from prompt_lab.names import Outcome
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.test_sealed import BETTER, IDLE, SEALED, confirmations, plans_run
from tests.pipeline.world import READS_FIRST, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A lab with three branches, one of which is better."""
    made = make_world(train=10, verify=30, policy=SEALED)
    made.branch("idle", {"prompt.txt": IDLE})
    made.branch("better", {"prompt.txt": BETTER})
    made.branch("kind", {"prompt.txt": IDLE + "Thanks.\n"})
    return made


def test_the_best_of_several_branches_is_confirmed_on_one_baseline(world: World) -> None:
    said = luigi(world, "Iteration", "--branch", "idle", "--rivals", "better,kind")
    assert said.code == 0, said.err
    assert world.verdict(1).outcome is Outcome.YES
    race = world.record(1, "race")
    assert race["best"] == world.record(1, "change")["branch"] == "better"
    assert [entry["screening"]["passed"] for entry in race["entries"]] == [False, True, False]
    made = [world.record(1, f"runs_race_{n}")["calls_made"] for n in (1, 2, 3)]
    assert made == [20, 10, 10]  # the baseline once
    assert world.record(1, "runs_train")["calls_made"] == 0
    assert len(plans_run(world, "train")) == 10
    assert confirmations(world) == [1]
    assert "3 candidates, 1 passed: idle 0.0, better +100.0, kind 0.0" in said.out
    states = [json_of(world, number) for number in (1, 2, 3)]
    assert states == ["open", "merged", "open"]  # branches of others stay open
    assert luigi(world, "Replay").code == 0


def test_strategies_race_and_the_others_are_closed(make_world: MakeWorld) -> None:
    world = make_world(train=10, verify=30, policy=SEALED)
    said = luigi(world, "Iteration", "--race", "2")
    assert said.code == 0, said.err
    assert world.verdict(1).outcome is Outcome.YES
    entries = world.record(1, "race")["entries"]
    assert len({entry["strategy"] for entry in entries}) == 2
    assert sorted(json_of(world, number) for number in (1, 2)) == ["closed", "merged"]


def test_where_none_passes_the_best_ends_with_no(make_world: MakeWorld) -> None:
    world = make_world(train=10, verify=30, policy=SEALED, models={"m": scripted(READS_FIRST)})
    world.branch("idle", {"prompt.txt": IDLE})
    world.branch("kind", {"prompt.txt": IDLE + "Thanks.\n"})
    assert luigi(world, "Iteration", "--branch", "idle", "--rivals", "kind").code == 0
    assert world.verdict(1).reasons[0].code == "screened_out"
    assert confirmations(world) == []


def test_a_race_that_cannot_be_held_is_refused_before_any_call(world: World) -> None:
    for words, text in (
        (("--rivals", "better"), "name the first candidate with --branch"),
        (("--branch", "idle", "--rivals", "idle"), "at most 3 branches"),
        (("--branch", "idle", "--rivals", "nowhere"), "no such branch"),
        (("--branch", "idle", "--race", "2"), "--race is for strategies"),
    ):
        stops(luigi(world, "Iteration", *words), TASK, text)
    assert not (world.folder(1) / "meta.json").exists()


def json_of(world: World, number: int) -> str:
    """The state of a pull request."""
    state: str = json.loads((world.lab / f"pulls/{number:04d}.json").read_text())["state"]
    return state
