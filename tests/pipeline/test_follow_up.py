"""A CONDITIONAL verdict comes back: its fix on the same branch, and a verdict that says so."""

import json
from collections.abc import Callable

import luigi
import pytest

from pipeline.tasks.iteration import Iteration
from pipeline.tasks.loop import Loop
from pipeline.wiring import lab_context
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.pages import ledger_entries
from prompt_lab.experiments.past import read_tried_changes
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Outcome
from prompt_lab.propose.sections import CONTRACT
from tests.pipeline.finished_worlds import CopyWorld, make_improved
from tests.pipeline.target_world import TargetWorld
from tests.pipeline.world import HINT, PLAIN, READS_LOOSELY, READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
MODELS = {"exact": scripted(READS_WELL), "loose": scripted(READS_LOOSELY)}


def _conditional(make_world: MakeWorld) -> World:
    world = make_world(models=MODELS)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).outcome is Outcome.CONDITIONAL
    return world


def test_the_named_fix_is_made_on_the_branch_and_the_second_verdict_answers_the_first(
    copy_world: CopyWorld,
) -> None:
    world = copy_world(_conditional)
    first = world.git("rev-parse", "better")
    assert world.iterate(follow_up=1)
    change, verdict = world.record(2, "change"), world.verdict(2)
    assert (change["branch"], change["pull"]) == ("better", 1)
    assert world.git("rev-parse", "better~1") == first
    assert change["commit"] == world.git("rev-parse", "better")
    assert change["strategy"] == "state_contract"
    assert (verdict.outcome, verdict.follow_up_of) == (Outcome.YES, 1)
    assert world.record(2, "meta")["follow_up_of"] == 1
    assert CONTRACT in world.git("show", "main:prompt.txt")
    pull = json.loads((world.lab / "pulls/0001.json").read_text())
    asked, answered = (comment["body"] for comment in pull["comments"])
    assert "What would settle it: State the form of the answer" in asked
    assert "A follow-up of iteration 1" in answered
    assert not (world.lab / "pulls/0002.json").exists()
    page = (world.lab / "index.html").read_text()
    assert "follows 1" in page
    assert "followed in 2" in page


def test_only_the_candidate_is_run_anew_and_the_look_is_paid_for(copy_world: CopyWorld) -> None:
    world = copy_world(_conditional)
    assert world.iterate(follow_up=1)
    runs = world.record(2, "runs_train")
    assert (runs["runs_reused"], runs["runs_made"]) == (2 * world.train, 2 * world.train)
    granted = world.record(2, "meta")["granted"]
    assert granted["spent"] == world.record(1, "meta")["judged_by"]["alpha"]
    assert "tests the candidate of iteration 1 again, and counts" in granted["text"]


def test_a_fix_that_somebody_commits_is_a_follow_up_too(copy_world: CopyWorld) -> None:
    world = copy_world(_conditional)
    world.git("checkout", "-q", "better")
    (world.target / "prompt.txt").write_text(BETTER.replace("Extract", f"{CONTRACT} Extract"))
    world.git("commit", "-q", "-a", "-m", "State the form")
    world.git("checkout", "-q", "main")
    assert world.iterate(branch="better")
    assert world.record(2, "meta")["follow_up_of"] == 1
    assert world.verdict(2).follow_up_of == 1
    assert read_tried_changes(lab_context().lab, "read_sum")[1].follow_up_of == 1


def test_the_same_flag_takes_what_somebody_committed(copy_world: CopyWorld) -> None:
    world = copy_world(_conditional)
    world.git("checkout", "-q", "better")
    (world.target / "prompt.txt").write_text(BETTER.replace("Extract", f"{CONTRACT} Extract"))
    world.git("commit", "-q", "-a", "-m", "State the form")
    head = world.git("rev-parse", "HEAD")
    world.git("checkout", "-q", "main")
    assert world.iterate(follow_up=1)
    assert (world.record(2, "change")["commit"], world.record(2, "change")["strategy"]) == (
        head,
        "given",
    )


def test_the_loop_follows_up_by_itself(make_world: MakeWorld) -> None:
    make_world(models=MODELS)
    assert luigi.build([Loop(iterations=2)], local_scheduler=True, log_level="ERROR")
    outcomes = [(e.outcome, e.follow_up_of) for e in ledger_entries(lab_context())]
    assert outcomes == [(Outcome.CONDITIONAL, None), (Outcome.YES, 1)]


@pytest.mark.parametrize(
    ("number", "words"), [(1, "asks for no follow-up"), (7, "has no such verdict yet")]
)
def test_what_waits_for_nothing_is_named(copy_world: CopyWorld, number: int, words: str) -> None:
    world = copy_world(make_improved)
    with pytest.raises(ConfigError, match=words):
        plan_iteration(Iteration(follow_up=number).experiment)
    assert not world.folder(2).exists()


def test_one_of_another_step_is_named_with_its_step(make_world: MakeWorld) -> None:
    world = make_world(train=4, verify=4, scout=2)
    assert world.iterate()
    config = world.root / "configs/steps/read_sum.yaml"
    config.with_name("other.yaml").write_text(config.read_text())
    with pytest.raises(ConfigError, match="is an iteration of step 'read_sum': add"):
        plan_iteration(Iteration(follow_up=1, step="other").experiment)


def test_a_prompt_in_a_module_may_be_tested_again_on_more_plans(
    make_target: Callable[..., TargetWorld],
) -> None:
    make_target().small()
    with pytest.raises(ConfigError, match="is not rewritten here"):
        plan_iteration(Iteration().experiment)
    with pytest.raises(ConfigError, match="--follow-up 1: step 'probe' has no such verdict yet"):
        plan_iteration(Iteration(follow_up=1).experiment)


def test_a_verdict_that_asks_for_more_plans_is_not_looked_at_again_without_them(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=3, verify=3)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).reasons[0].code == "too_few_plans"
    with pytest.raises(ConfigError, match="Add train plans"):
        plan_iteration(Iteration(follow_up=1).experiment)
    assert not world.folder(2).exists()
