"""Trials that look while they run: what they ask for, what they spare, what the ledger grants."""

from collections.abc import Callable

import pytest

from pipeline.tasks.iteration import Runs
from pipeline.wiring import lab_context
from prompt_lab.experiments.trials import trial_of
from prompt_lab.names import Outcome
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import PLAIN, READS_FIRST, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
LOOKS = {"mode": "sequential", "looks": 3, "max_plans": 30, "ledger": {"control": "planned"}}


def runs_of(world: World, split: str = "train") -> list[str]:
    """The plans of a split that have runs, once for each run."""
    found = world.lab.glob(f"history/*/*/outputs/plan_{split}_*/run.json")
    return sorted(path.parent.name for path in found)


def test_a_strong_candidate_stops_at_the_first_look_and_spares_the_rest(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=42, verify=12, policy={**LOOKS, "max_plans": 42})
    assert world.iterate()
    verdict, runs = world.verdict(1), world.record(1, "runs_train")
    assert (verdict.outcome, verdict.look, verdict.looks) == (Outcome.YES, 1, 3)
    assert (verdict.n_plans, verdict.calls, verdict.calls_planned) == (14, 28, 84)
    assert (len(runs["plans"]), runs["runs_spared"]) == (14, 56)
    assert sorted(set(runs_of(world))) == sorted(runs["plans"])
    summary = (world.folder(1) / "summary.txt").read_text()
    assert "56 saved by stopping at look 1 of 3" in summary
    assert "Trial 1 of 20 at alpha 0.0025" in summary
    assert verdict.alpha == pytest.approx(0.0025)


def test_a_candidate_without_effect_stops_as_futile(make_world: MakeWorld) -> None:
    world = make_world(models={"m": scripted(READS_FIRST)}, train=30, policy=LOOKS)
    world.branch("idle", {"prompt.txt": PLAIN + "\nPlease.\n"})
    assert world.iterate(branch="idle")
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.look) == (Outcome.NO, 1)
    assert len(runs_of(world)) == 20
    assert runs_of(world, "verify") == []


def test_a_trial_goes_on_where_its_last_look_left_it(make_world: MakeWorld) -> None:
    """9 plans cannot decide at alpha 0.0025, 18 can: Runs is begun anew between the two."""
    world = make_world(train=27, verify=12, policy={**LOOKS, "max_plans": 27})
    assert world.iterate()
    assert world.verdict(1).look == 2
    assert len(runs_of(world)) == 36
    phase = Runs(step="read_sum", number=1).experiment
    assert trial_of(phase).plans[:18] == tuple(world.record(1, "runs_train")["plans"])


def test_an_old_verdict_of_a_trial_that_stopped_is_computed_again(make_world: MakeWorld) -> None:
    world = make_world(train=42, verify=12, policy={**LOOKS, "max_plans": 42})
    assert world.iterate()
    said = luigi(world, "Replay", "--number", "1")
    assert (said.code, "1: identical (YES)" in said.out) == (0, True)


def test_every_trial_spends_and_then_there_is_no_more(make_world: MakeWorld) -> None:
    rule = {"control": "planned", "iterations": 2, "budget": 0.05}
    world = make_world(train=12, policy={"ledger": rule, "verify": "off"})
    world.branch("unread", {"README.md": "Another shop.\n"})
    assert world.iterate(branch="unread")  # INVALID, nothing was asked: it costs nothing
    for number, left in ((2, 2), (3, 1)):
        assert world.iterate()
        granted = world.record(number, "meta")["granted"]
        assert (granted["left"], granted["alpha"]) == (left, 0.025)
    said = luigi(world, "Iteration")
    stops(said, TASK, "grants policy 'default' no more alpha", "ledger.since")
    assert not (world.folder(4) / "meta.json").exists()
    assert "2 trials, 1 merge, alpha 0.05 spent" in (world.lab / "index.html").read_text()


def test_after_some_merges_the_prompt_is_compared_with_the_first_one(
    make_world: MakeWorld,
) -> None:
    rule = {"control": "fixed", "origin_every": 1}
    world = make_world(train=12, policy={"ledger": rule, "verify": "off"})
    assert world.iterate()
    record = world.record(1, "since_start")
    assert (record["merges"], record["added"], record["verdict"]["effect"]) == (1, 1.0, 1.0)
    assert record["now"] == world.git("rev-parse", "main")
    assert len(runs_of(world)) == 24  # the runs of the iteration itself were used again
    page = (world.lab / "index.html").read_text()
    assert "Since the start, 1 merge that claims +100.0 points in sum: +100.0 points" in page
    assert world.iterate(number=1)
    assert lab_context().lab.root == world.lab


def test_what_older_runs_know_about_a_plan_is_taken_out(make_world: MakeWorld) -> None:
    """The second trial knows from the runs of the first which plans are hard; so does Replay."""
    world = make_world(train=24, policy={"adjust": "difficulty", "max_plans": 24})
    assert world.iterate()
    world.branch("idle", {"prompt.txt": PLAIN + "\nPlease.\n"})
    assert world.iterate(branch="idle")
    phase = Runs(step="read_sum", number=2).experiment
    known = trial_of(phase).evidence.difficulty
    assert known is not None
    assert set(known.values()) == {0.5}  # wrong before, right after
    assert "adjusted for difficulty" in world.verdict(2).method
    assert luigi(world, "Replay").code == 0


def test_what_was_run_can_be_judged_without_another_call(make_world: MakeWorld) -> None:
    """Half of the runs are there; the rest counts as missing, which no YES survives."""
    script = {**READS_FIRST, "fail": "outside", "fail_when": "Invoice 9001"}
    world = make_world(models={"m": scripted(script)}, train=12, policy={"mode": "fixed"})
    world.branch("idle", {"prompt.txt": PLAIN + "\nPlease.\n"})
    assert luigi(world, "Runs", "--branch", "idle").code == TASK
    made = len(runs_of(world))
    assert 0 < made < 24
    assert luigi(world, "Verdict", "--branch", "idle", "--skip-runner").code == 0
    assert len(runs_of(world)) == made
    assert world.verdict(1).n_missing > 0
    assert world.verdict(1).calls == made


def test_an_iteration_without_an_idea_is_not_begun(make_world: MakeWorld) -> None:
    """It could never go on, and would stand in the way of a change that is given later."""
    world = make_world(train=12, policy={"verify": "off"})
    done = 0
    while (said := luigi(world, "Iteration")).code == 0:
        done += 1
    stops(said, TASK, "No strategy has a change left", "--branch")
    assert not (world.folder(done + 1) / "meta.json").exists()
    world.branch("mine", {"prompt.txt": PLAIN + "\nPlease.\n"})
    assert world.iterate(branch="mine")
    assert world.record(done + 1, "change")["strategy"] == "given"
