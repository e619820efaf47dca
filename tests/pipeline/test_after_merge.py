"""Merges are tested again on fresh plans: what holds is said, what turned out worse is reverted."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.cli.app import main as prompt_lab
from tests.pipeline.terminal import forked, luigi
from tests.pipeline.test_bad_input import PARSE, TASK, stops
from tests.pipeline.test_sealed import BETTER, SEALED, confirmations
from tests.pipeline.world import HINT, NUMBER, READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
TURNS = {
    "rules": [
        {"when": ["of shop later", HINT], "answer": '{"amount": {0}}', "answer_regex": NUMBER},
        {"when": "of shop later", "answer": '{"amount": {1}}', "answer_regex": NUMBER},
        *READS_WELL["rules"],
    ]
}
"""A model that reads as before, and on plans of later the other way round."""


def merged_world(make_world: MakeWorld, **policy: Any) -> World:
    """A lab with a merge that its confirmation decided at the first look."""
    world = make_world(
        train=10, verify=30, policy={**SEALED, **policy}, models={"m": scripted(TURNS)}
    )
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.record(1, "conclusion")["action"] == "merged"
    return world


def add_plans(world: World, many: int, *, first: int = 0) -> None:
    """Verify plans that come after the merge."""
    for n in range(first, first + many):
        folder = world.lab / f"baseline/verify/later_{n:03d}"
        folder.mkdir()
        (folder / "invoice.txt").write_text(f"Invoice {700 + n} of shop later: {20 + n}.50 euros\n")
        (folder / "invoice.json").write_text(json.dumps({"amount": 20.5 + n}))


def asked(world: World, number: int) -> set[str]:
    """The plans of a round."""
    return set(world.record(1, f"batch_retest_{number}")["plans"])


def test_a_merge_is_tested_again_on_sealed_plans_that_its_confirmation_did_not_use(
    make_world: MakeWorld,
) -> None:
    world = merged_world(make_world)
    used = set(world.record(1, "runs_verify")["plans"])
    dry = luigi(world, "CheckMerges", "--dry-run")
    assert (
        f"1  read_sum  {30 - len(used)} fresh plans, at most {2 * (30 - len(used))} runs" in dry.out
    )
    assert not (world.folder(1) / "batch_retest_1.json").exists()
    said = luigi(world, "CheckMerges")
    assert said.code == 0, said.err
    sentence = f"Holds: {30 - len(used)} fresh plans exclude a loss."
    assert sentence in said.out
    assert len(asked(world, 1)) == 30 - len(used)
    assert not asked(world, 1) & used
    for page in (world.lab / "index.html", world.folder(1) / "report.html"):
        assert f"After the merge: {sentence}" in page.read_text()
    assert confirmations(world) == [1]  # it spends nothing
    assert world.git("status", "--porcelain", at=world.lab).count("retest") == 0  # committed
    again = luigi(world, "CheckMerges")
    assert (again.code, sentence in again.out) == (0, True)
    assert not (world.folder(1) / "batch_retest_2.json").exists()


def test_plans_that_were_added_are_the_next_round_and_a_renamed_one_is_not_fresh(
    make_world: MakeWorld,
) -> None:
    world = merged_world(make_world)
    assert luigi(world, "CheckMerges").code == 0
    add_plans(world, 2)
    first = world.lab / "baseline/verify"
    (first / "plan_verify_000").rename(first / "renamed")
    assert luigi(world, "CheckMerges").code == 0
    assert asked(world, 2) == {"later_000", "later_001"}
    moved = world.lab / "baseline/train/plan_train_000"
    moved.rename(first / "was_train")
    stops(luigi(world, "Retest", "--number", "1"), PARSE, "--number 1: it has no fresh plan")


def test_no_figure_of_a_retest_is_shown(make_world: MakeWorld) -> None:
    world = merged_world(make_world)
    add_plans(world, 3)
    said = luigi(world, "CheckMerges")
    sealed = json.loads((world.folder(1) / "sealed_retest_1.json").read_text())
    figure = f"{sealed['check']['effect'] * 100:+.1f}"
    listed = forked(world, partial(prompt_lab, ["iterate", "--number", "1", "--json"]), {}).out
    shown = [said.out, said.err, listed, (world.lab / "index.html").read_text()]
    shown += [(world.folder(1) / name).read_text() for name in ("report.html", "retest_1.json")]
    assert not [text for text in shown if figure in text or "sealed_retest" in text]
    assert "retest_1" in listed


@pytest.mark.parametrize(
    ("action", "state"), [("report", ""), ("leave_open", "open"), ("pull_request", "merged")]
)
def test_a_merge_that_turns_out_worse_is_reported_and_reverted_if_the_policy_says_so(
    make_world: MakeWorld, action: str, state: str
) -> None:
    world = merged_world(make_world)
    set_policy(world, revert_when_worse=action)
    add_plans(world, 60)
    said = luigi(world, "CheckMerges", "--number", "1")
    assert said.code == 0, said.err
    assert "Turned out worse: 70 fresh plans show a loss." in said.out
    first = json.loads((world.lab / "pulls/0001.json").read_text())
    keys = [comment["body"].splitlines()[0] for comment in first["comments"]]
    assert "## Worse after the merge" in keys
    assert "After the merge: Turned out worse" in (world.lab / "index.html").read_text()
    path = world.lab / "pulls/0002.json"
    assert (json.loads(path.read_text())["state"] if path.exists() else "") == state
    assert (HINT in world.git("show", "main:prompt.txt")) is (state != "merged")
    again = luigi(world, "CheckMerges", "--number", "1")
    assert again.code == 0, again.err
    if state:
        assert "Reverted." in again.out


def set_policy(world: World, **values: Any) -> None:
    path = Path(world.root / "configs/policies/default.yaml")
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **values}))


def test_changed_plans_void_a_round_which_is_made_again(make_world: MakeWorld) -> None:
    """Voided, the round counts no plan; the next command takes them again."""
    world = merged_world(make_world)
    add_plans(world, 1)
    assert luigi(world, "Retest", "--number", "1").code == 0
    record = world.record(1, "retest_1")
    record["void"] = [{"code": "dirty_tree", "text": "The tree was dirty.", "facts": {}}]
    (world.folder(1) / "retest_1.json").write_text(json.dumps(record))
    assert luigi(world, "CheckMerges").code == 0
    assert asked(world, 2) == asked(world, 1)


def test_without_a_merge_there_is_nothing_to_check(make_world: MakeWorld) -> None:
    world = make_world(train=10, verify=30, policy=SEALED)
    said = luigi(world, "CheckMerges")
    assert (said.code, "No merge stands" in said.out) == (0, True)
    stops(luigi(world, "CheckMerges", "--number", "3"), TASK, "iteration 3 is no merge that stands")
