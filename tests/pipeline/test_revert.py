"""Revert: a merge is taken back by a pull request that the ledger ties to the first."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import luigi
import pytest
from luigi.setup_logging import InterfaceLogging

from adapters.git import Git
from pipeline.tasks.loop import Revert
from pipeline.wiring import lab_context
from prompt_lab.experiments.past import read_tried_changes
from tests.pipeline.disk_cuts import go_on, moments, to_try
from tests.pipeline.finished_worlds import CopyWorld, make_improved
from tests.pipeline.github.cuts import Command
from tests.pipeline.world import HINT, PLAIN, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


@pytest.fixture
def luigi_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What luigi logs: its logger does not propagate once luigi.cfg has configured it."""
    InterfaceLogging.setup(luigi.interface.core())  # the first set-up removes all handlers
    logger = logging.getLogger("luigi-interface")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def _revert(**flags: Any) -> bool:
    return luigi.build([Revert(**flags)], local_scheduler=True, log_level="ERROR")


def _pull(world: World, number: int) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((world.lab / f"pulls/{number:04d}.json").read_text())
    return data


def test_what_was_merged_is_taken_back_and_both_pulls_say_so(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    before = world.git("rev-parse", "main^{tree}")
    assert world.iterate()
    assert HINT in world.git("show", "main:prompt.txt")
    assert _revert(number=1, reason="It reads <b>totals</b> of another year.")
    assert world.git("rev-parse", "main^{tree}") == before
    assert world.git("show", "main:prompt.txt") == PLAIN.strip()
    first, second = _pull(world, 1), _pull(world, 2)
    assert first["comments"][-1]["body"].startswith("## Reverted by #2")
    assert [event["what"] for event in second["history"]] == ["opened", "commented", "merged"]
    assert "another year" in second["comments"][0]["body"]
    assert world.record(1, "reverted")["merged_commit"] == world.git("rev-parse", "main")
    assert "#2 reverts #1, merged" in capsys.readouterr().out
    page = (world.lab / "index.html").read_text()
    assert "reverted <br>in <a" in page
    assert "<dt>reverted</dt><dd>1" in page
    assert world.git("status", "--porcelain") == ""


def test_a_second_command_changes_nothing_and_says_so_again(
    copy_world: CopyWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = copy_world(make_improved)
    assert _revert(number=1)
    main = world.git("rev-parse", "main")
    capsys.readouterr()
    assert _revert(number=1, reason="Once more.")
    assert world.git("rev-parse", "main") == main
    assert not (world.lab / "pulls/0003.json").exists()
    said = capsys.readouterr().out
    assert "#2 reverts #1, merged" in said
    assert "No reason was given. (the first command's reason is kept)" in said


def test_cut_off_anywhere_the_same_command_goes_on_to_the_row_of_the_ledger(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    before = world.git("rev-parse", "main^{tree}")
    assert world.iterate()
    command = Command(Revert, {"number": 1, "reason": "Wrong totals."})
    halves = set()
    for moment, state in to_try(moments(world, command), _how_far):
        halves.add(state)
        assert go_on(world, moment, command) == 0, moment
        _check_taken_back(world, before)
    # Else a place went unseen, and nothing was tried there.
    assert halves == {"", "branch", "open", "merged", "told"}


def test_cut_off_after_its_branch_it_goes_on_whatever_the_reason(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    before = world.git("rev-parse", "main^{tree}")
    assert world.iterate()
    command = Command(Revert, {"number": 1, "reason": "First\n\nwords."})
    branches = [m for m in moments(world, command) if _has_only_its_branch(m)]
    assert branches
    for reason in ("Better words.", ""):
        again = Command(Revert, {"number": 1, "reason": reason})
        assert go_on(world, branches[0], again) == 0, reason
        _check_taken_back(world, before)
        assert world.record(1, "reverted")["reason"] == "First\n\nwords.", reason


def _has_only_its_branch(moment: Path) -> bool:
    lab = moment / "lab"
    heads = Git(lab / "target")("branch", "--list", "prompt-lab/revert-1")
    return bool(heads) and not (lab / "analysis/1_read_sum/reverted.json").exists()


def _how_far(moment: Path) -> str:
    """The last thing that is there: for each a cut is to be tried."""
    lab = moment / "lab"
    record = lab / "analysis/1_read_sum/reverted.json"
    if not record.exists():
        return ""
    if "reverted <br>in <a" in (lab / "index.html").read_text():
        return "told"
    known = json.loads(record.read_text())
    return "merged" if known["merged_commit"] else "open" if known["pull"] else "branch"


def _check_taken_back(world: World, before: str) -> None:
    """One pull request, one comment on each, one merge, the ledger's row, all committed."""
    assert world.git("rev-parse", "main^{tree}") == before
    assert len(world.git("rev-list", "--first-parent", "--merges", "main").splitlines()) == 2
    first, second = _pull(world, 1), _pull(world, 2)
    assert not (world.lab / "pulls/0003.json").exists()
    assert [event["what"] for event in second["history"]] == ["opened", "commented", "merged"]
    assert [c["body"][:14] for c in first["comments"]][1:] == ["## Reverted by"]
    assert world.record(1, "reverted")["merged_commit"] == world.git("rev-parse", "main")
    assert "reverted <br>in <a" in (world.lab / "index.html").read_text()
    lab = Git(world.lab)
    assert lab("status", "--porcelain") == "?? baseline/"  # the plans are the user's
    assert lab("log", "--format=%s").splitlines().count(f"{second['title']} (iteration 1)") == 1


def test_pull_requests_that_are_gone_are_not_numbered_anew(
    make_world: MakeWorld, luigi_log: pytest.LogCaptureFixture
) -> None:
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    assert world.iterate()
    (world.lab / "pulls").rename(world.root / "pulls")
    main = world.git("rev-parse", "main")
    assert not _revert(number=1)
    assert "there is no pull request #1" in luigi_log.text
    other = json.loads((world.root / "pulls/0001.json").read_text()) | {"branch": "other"}
    (world.lab / "pulls").mkdir(exist_ok=True)
    (world.lab / "pulls/0001.json").write_text(json.dumps(other))
    assert not _revert(number=1)
    assert "#1 is a pull request of branch 'other'" in luigi_log.text
    assert world.git("rev-parse", "main") == main
    assert not (world.folder(1) / "reverted.json").exists()


def test_one_that_is_left_open_is_merged_by_a_later_command(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    assert _revert(number=1, leave_open=True)
    assert _pull(world, 2)["state"] == "open"
    assert HINT in world.git("show", "main:prompt.txt")
    assert read_tried_changes(lab_context().lab, "read_sum")[0].reverted_after is None
    assert _revert(number=1)
    assert _pull(world, 2)["state"] == "merged"
    assert HINT not in world.git("show", "main:prompt.txt")


def test_what_was_taken_back_is_not_proposed_again(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    assert _revert(number=1, reason="Wrong on real invoices.")
    world.iterate()
    assert world.record(2, "change")["strategy"] != "align_with_schema"
    told = (world.folder(2) / "synthesis.md").read_text()
    assert "reverted since" in told
    assert "Wrong on real invoices." in told


def test_a_later_change_of_the_same_lines_is_a_clear_message(
    copy_world: CopyWorld, luigi_log: pytest.LogCaptureFixture
) -> None:
    world = copy_world(make_improved)
    text = (world.target / "prompt.txt").read_text().replace(HINT, "The sum.")
    (world.target / "prompt.txt").write_text(text)
    world.git("commit", "-q", "-a", "-m", "Other words")
    main = world.git("rev-parse", "main")
    assert not _revert(number=1)
    assert "'prompt.txt' was changed again later" in luigi_log.text
    assert "#1" in luigi_log.text
    assert world.git("rev-parse", "main") == main
    assert not (world.folder(1) / "reverted.json").exists()


def test_what_was_not_merged_cannot_be_taken_back(
    make_world: MakeWorld, luigi_log: pytest.LogCaptureFixture
) -> None:
    world = make_world()
    world.branch("worse", {"prompt.txt": PLAIN.replace("Extract", "Read")})
    assert world.iterate(branch="worse")
    assert not _revert(number=1)
    assert "Iteration 1 was not merged: its verdict was NO" in luigi_log.text


def test_an_iteration_without_a_merge_is_refused_with_a_reason(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6, scout=2)
    said = world.command("Implement", "--number", "1").communicate()[1]
    assert "Stopped" not in said
    said = world.command("Revert", "--number", "1").communicate()[1]
    assert "conclusion.json: is missing. luigi --module pipeline Iteration --number 1 makes" in said
    out, _ = world.command("GiveUp", "--number", "1", "--reason", "Two\n lines").communicate()
    assert "why       Two lines\n" in out
    out, said = world.command("Revert", "--number", "1").communicate()
    assert "iteration 1 was given up, so there is no merge" in said
    assert "Traceback" not in out + said
