"""Replay needs the lab alone: no pull request, no target repository, no network."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from prompt_lab.store.iterations import FACTS
from tests.pipeline.terminal import luigi
from tests.pipeline.test_follow_up import BETTER, MODELS
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
BOTH = "1: identical (CONDITIONAL)\n2: identical (YES)"


@pytest.fixture
def answered(make_world: MakeWorld) -> World:
    """A lab with a CONDITIONAL verdict, and a follow-up on the same branch that was merged."""
    world = make_world(models=MODELS)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.iterate(follow_up=1)
    assert [world.verdict(n).outcome for n in (1, 2)] == [Outcome.CONDITIONAL, Outcome.YES]
    return world


def test_a_follow_up_leaves_the_earlier_verdict_identical(answered: World) -> None:
    replayed = luigi(answered, "Replay")
    assert (replayed.code, BOTH in replayed.out) == (0, True), replayed.out


def test_a_replay_asks_neither_the_code_host_nor_the_target(answered: World) -> None:
    hide(answered.lab / "pulls")
    hide(answered.target)
    replayed = luigi(answered, "Replay")
    assert (replayed.code, BOTH in replayed.out) == (0, True), replayed.out
    hide(answered.lab / "work")
    replayed = luigi(answered, "Replay")
    assert (replayed.code, BOTH in replayed.out) == (0, True), replayed.out
    assert not (answered.lab / "work").exists()


def test_another_policy_is_asked_without_the_target_too(answered: World) -> None:
    for name in ("pulls", "target", "work"):
        hide(answered.lab / name)
    (answered.root / "configs/policies/wide.yaml").write_text("mode: fixed\nadjust: difficulty\n")
    replayed = luigi(answered, "Replay", "--policy", "wide")
    assert (replayed.code, "of 2 verdicts" in replayed.out) == (0, True), replayed.err


def test_a_verdict_from_before_facts_were_recorded_replays_from_the_clone(
    answered: World,
) -> None:
    for number in (1, 2):
        (answered.folder(number) / FACTS).unlink()
    hide(answered.lab / "pulls")
    hide(answered.target)
    replayed = luigi(answered, "Replay")
    assert (replayed.code, BOTH in replayed.out) == (0, True), replayed.out


def test_a_pull_request_that_had_moved_stays_a_finding(make_world: MakeWorld) -> None:
    world = make_world(models=MODELS)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    verdict = world.folder(1) / "verdict.json"
    record = json.loads(verdict.read_text())
    world.git("checkout", "-q", "better")
    (world.target / "README.md").write_text("Moved.\n")
    world.git("commit", "-q", "-a", "-m", "Move on")
    world.git("checkout", "-q", "main")
    (world.folder(1) / "conclusion.json").unlink()
    for name in ("report.html", "summary.txt"):
        (world.folder(1) / name).unlink()
    assert world.iterate(number=1)
    assert world.verdict(1).outcome is Outcome.INVALID
    assert json.loads(verdict.read_text()) != record
    world.git("branch", "-f", "better", "better~1")  # it stands again where it was run
    replayed = luigi(world, "Replay")
    assert "1: identical (INVALID)" in replayed.out, replayed.out
    assert Code.HEAD_MOVED in {reason.code for reason in world.verdict(1).reasons}


def test_runs_that_do_not_match_the_recorded_facts_are_found(answered: World) -> None:
    path = answered.folder(1) / FACTS
    record = json.loads(path.read_text())
    record["sides"]["candidate"]["prompt_sha256"] = "0" * 64
    path.write_text(json.dumps(record))
    replayed = luigi(answered, "Replay", "--number", "1")
    assert replayed.code != 0
    assert "1: differs" in replayed.out
    path.write_text("{")  # damaged: the repository is read instead
    assert luigi(answered, "Replay", "--number", "1").code == 0


def hide(folder: Path) -> None:
    """Move a folder out of the way."""
    folder.rename(folder.with_name(f"{folder.name}-moved"))
