"""The error budget counts every trial, whatever is damaged or gone: nothing makes it larger."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from pipeline.tasks.iteration import Iteration
from pipeline.wiring import cached_context, lab_context
from prompt_lab.decide.ledger import Use
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.experiments.budget_uses import uses
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Outcome
from tests.pipeline.finished_worlds import CopyWorld
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import HINT, PLAIN, READS_WELL, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
PLANNED = {"ledger": {"control": "planned", "budget": 0.2, "iterations": 4}}


def of_step() -> list[Use]:
    """All uses that the ledger counts now."""
    ctx = lab_context()
    return uses(ctx, "read_sum", ctx.policy("default"), before=99)


def config(world: World, path: str, **more: Any) -> None:
    """Further keys of a config, which this process reads anew."""
    file = world.root / f"configs/{path}.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | more))
    cached_context.cache_clear()


@pytest.fixture
def world(copy_world: CopyWorld) -> World:
    return copy_world(make_tried)


def make_tried(make_world: MakeWorld) -> World:
    """A lab whose one iteration has been concluded."""
    made = make_world(train=6, verify=6, policy=PLANNED)
    made.branch("better", {"prompt.txt": BETTER})
    assert made.iterate(branch="better")
    assert made.verdict(1).outcome is Outcome.YES
    made.branch("other", {"prompt.txt": BETTER + "Please.\n"})
    return made


def test_a_damaged_piece_of_a_trial_is_named_before_the_next_one(world: World) -> None:
    for name in ("meta.json", "conclusion.json"):
        path = world.folder(1) / name
        whole = path.read_bytes()
        for content in (None, b"", whole[: len(whole) // 2]):
            path.unlink() if content is None else path.write_bytes(content)
            with pytest.raises(StoreError, match=rf"1_read_sum/{name}: .*checkout -- {name}"):
                plan_iteration(Iteration(branch="other", number=2).experiment)
        said = luigi(world, "Ledger")
        assert said.code == 0, said.err
        assert f"1_read_sum/{name}" in (world.lab / "irregular.md").read_text()
        page = (world.lab / "index.html").read_text()
        assert "Not known: " in page
        assert 'id="irregular"' in page
        path.write_bytes(whole)
    assert luigi(world, "Ledger").code == 0
    assert "Not known: " not in (world.lab / "index.html").read_text()
    assert len([use for use in of_step() if use.kind == "trial"]) == 1


def test_a_trial_whose_folder_is_gone_still_counts(world: World) -> None:
    before = plan_iteration(Iteration(branch="other", number=2).experiment).granted
    shutil.rmtree(world.folder(1))
    after = plan_iteration(Iteration(branch="other", number=1).experiment).granted
    assert before is not None
    assert after is not None
    assert (after.alpha, after.spent, after.left) == (before.alpha, before.spent, before.left)
    assert luigi(world, "Ledger").code == 0
    assert "git -C" in (world.lab / "irregular.md").read_text()
    assert world.iterate(branch="other")  # it takes the number of the one that is gone
    assert [(use.kind, use.iteration) for use in of_step() if use.kind == "trial"] == [
        ("trial", 1),
        ("trial", 1),
    ]


def test_a_crash_that_was_given_up_spent_nothing(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6, policy=PLANNED)
    config(world, "models/exact", settings={"extra": {"fail": "garbage"}})
    world.branch("better", {"prompt.txt": BETTER})
    stops(luigi(world, "Iteration", "--branch", "better"), TASK, "None of 12 answers")
    assert len(of_step()) == 1
    shutil.rmtree(world.folder(1))
    assert of_step() == []


def test_a_crash_on_verify_leaves_the_trial_counted(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6, policy=PLANNED)
    fails = {**READS_WELL, "fail": "garbage", "fail_when": "shop verify"}
    config(world, "models/exact", settings={"extra": fails})
    world.branch("better", {"prompt.txt": BETTER})
    stops(luigi(world, "Iteration", "--branch", "better"), TASK, "None of 12 answers")
    before = [use for use in of_step() if use.kind == "trial"]
    shutil.rmtree(world.folder(1))
    after = [use for use in of_step() if use.kind == "trial"]
    assert [use.alpha for use in after] == [use.alpha for use in before] != []


@pytest.mark.parametrize("outcome", [Outcome.NO, Outcome.INVALID])
def test_a_no_or_an_invalid_is_not_asked_for_again(make_world: MakeWorld, outcome: Outcome) -> None:
    world = make_world(train=6, verify=6)
    commit = world.branch("same", {"prompt.txt": PLAIN.replace("amount.", "sum.")})
    assert luigi(world, "Runs", "--branch", "same").code == 0
    if outcome is Outcome.INVALID:
        made = world.record(1, "runs_train")
        made["observed"]["candidate"] = [commit, False]
        (world.folder(1) / "runs_train.json").write_text(json.dumps(made))
    assert luigi(world, "Iteration").code == 0
    assert world.verdict(1).outcome is outcome
    world.git("branch", "another-name", "same")
    for branch, *more in (("same",), ("same", "--dry-run"), ("another-name",)):
        said = luigi(world, "Iteration", "--branch", branch, *more)
        stops(
            said, TASK, "iteration 1 has already decided on this commit", "Add plans or replicates"
        )
    assert not world.folder(2).exists()
    assert not (world.lab / "pulls/0002.json").exists()
    assert plan_iteration(Iteration(branch="same", replicates=2).experiment).follow_up_of is None


def test_the_same_change_on_the_same_plans_is_not_judged_twice(make_world: MakeWorld) -> None:
    world = make_world(train=3, verify=3)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).reasons[0].code == "too_few_plans"
    for more in ((), ("--dry-run",)):
        said = luigi(world, "Iteration", "--branch", "better", *more)
        stops(said, TASK, "better: iteration 1", "error budget", "Add train plans")
    assert not world.folder(2).exists()
    shutil.copytree(world.lab / "baseline/verify/plan_verify_002", world.lab / "baseline/train/new")
    config(world, "lab", train_plans=4)
    assert plan_iteration(Iteration(branch="better").experiment).follow_up_of == 1


def test_a_fix_and_another_config_are_something_new(make_world: MakeWorld) -> None:
    world = make_world(train=3, verify=3)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    with pytest.raises(ConfigError, match="add no information"):
        plan_iteration(Iteration(branch="better").experiment)
    config(world, "steps/read_sum", max_tokens=99)
    assert plan_iteration(Iteration(branch="better").experiment).follow_up_of == 1
    config(world, "steps/read_sum", max_tokens=256)
    world.git("checkout", "-q", "better")
    (world.target / "prompt.txt").write_text(BETTER + "Please.\n")
    world.git("commit", "-q", "-a", "-m", "Ask kindly")
    world.git("checkout", "-q", "main")
    assert plan_iteration(Iteration(branch="better").experiment).follow_up_of == 1
