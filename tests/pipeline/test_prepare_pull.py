"""PreparePull: a pull request is verified, number and folders are claimed, nothing is called."""

from collections.abc import Callable
from typing import Any

import luigi
import pytest

from pipeline.tasks.loop import PreparePull
from pipeline.wiring import lab_context
from prompt_lab.errors import LabError
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Outcome
from tests.pipeline.world import HINT, PLAIN, World
from tests.processes import HANG_SECONDS

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
WHEN = "2026-03-04T05:06:07Z"


def _prepare(**flags: Any) -> bool:
    return luigi.build([PreparePull(**flags)], local_scheduler=True, log_level="ERROR")


def _open(branch: str, base: str = "main") -> int:
    host = lab_context().code_host("shop")
    return host.open_pull(branch, base=base, title="A change", body="", when=WHEN).number


def test_a_pull_request_is_ready_to_run_and_then_runs(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    commit = world.branch("better", {"prompt.txt": BETTER})
    number = _open("better")
    assert _prepare(pr=number)
    made = world.record(1, "prepared")
    assert (made["pull"], made["commit"]) == (number, commit)
    assert world.record(1, "meta")["given"] == f"#{number}"
    claimed = [world.lab / path for path in made["history"]]
    assert claimed
    assert all((path / "meta.json").is_file() for path in claimed)
    assert not list(world.lab.glob("history/*/*/outputs/*/run.json"))
    assert "Iteration --number 1" in capsys.readouterr().out
    assert world.iterate(pr=number)
    assert world.verdict(1).outcome is Outcome.YES
    made_in = {path.parents[2] for path in world.lab.glob("history/*/*/outputs/*/run.json")}
    assert set(claimed) <= made_in


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "is closed, not open"), (7, "there is no pull request #7")],
)
def test_a_pull_request_that_cannot_be_tested_is_named(
    make_world: MakeWorld, number: int, words: str
) -> None:
    world = make_world()
    host = lab_context().code_host("shop")
    world.branch("better", {"prompt.txt": BETTER})
    closed = _open("better")
    host.comment(closed, key="why", body="No.", when=WHEN)
    host.close(closed, when=WHEN)
    with pytest.raises(LabError, match=words):
        plan_iteration(PreparePull(pr=number).experiment)
    assert not world.folder(1).exists()


def test_one_into_another_branch_is_not_judged_against_main(make_world: MakeWorld) -> None:
    world = make_world()
    world.git("branch", "release")
    world.branch("better", {"prompt.txt": BETTER})
    _open("better", "release")
    with pytest.raises(LabError, match="goes into 'release', but changes are compared with 'main'"):
        plan_iteration(PreparePull(pr=1).experiment)
    assert not _prepare(pr=1)
    assert not (world.folder(1) / "meta.json").exists()
    assert not (world.lab / "history").exists()


def test_one_with_conflicts_is_not_prepared_until_they_are_solved(make_world: MakeWorld) -> None:
    world = make_world()
    world.branch("better", {"prompt.txt": BETTER})
    _open("better")
    (world.target / "prompt.txt").write_text(PLAIN.replace("Extract", "Read"))
    world.git("commit", "-q", "-a", "-m", "Main goes on")
    main = world.git("rev-parse", "main")
    with pytest.raises(LabError, match="conflict"):
        plan_iteration(PreparePull(pr=1).experiment)
    assert not _prepare(pr=1)
    assert not (world.folder(1) / "meta.json").exists()
    assert not (world.lab / "history").exists()
    assert world.git("rev-parse", "main") == main
    world.git("checkout", "-q", "better")
    world.git("merge", "-q", "-s", "ours", "-m", "Solved", "main")
    solved = world.git("rev-parse", "HEAD")
    world.git("checkout", "-q", "main")
    assert _prepare(pr=1)
    made = world.record(1, "prepared")
    assert (made["commit"], made["base_commit"]) == (solved, main)


def test_without_a_pull_request_there_is_nothing_to_prepare(make_world: MakeWorld) -> None:
    world = make_world()
    done = world.command("PreparePull")
    _, wrong = done.communicate(timeout=HANG_SECONDS)
    assert done.returncode
    assert "name the pull request with --pr" in wrong
    assert not world.folder(1).exists()
