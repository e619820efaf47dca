"""GiveUp: an iteration whose verdict cannot be computed is ended, and the lab goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import luigi
import pytest

from adapters.git import Git
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.loop import GiveUp
from pipeline.wiring import lab_context
from prompt_lab.experiments.budget_uses import uses
from tests.pipeline.disk_cuts import go_on, moments, to_try
from tests.pipeline.github.cuts import Command
from tests.pipeline.world import HINT, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]

FAULT = {"adapter": "tests.pipeline.step_with_fault:StepWithFault"}


def give_up(**flags: Any) -> bool:
    GiveUp.clear_instance_cache()  # each command is a process of its own
    return luigi.build([GiveUp(**flags)], local_scheduler=True, log_level="ERROR")


def read_pull(world: World, number: int) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((world.lab / f"pulls/{number:04d}.json").read_text())
    return data


def make_stuck(make_world: MakeWorld) -> World:
    """A world whose first iteration stops inside its verdict, however often it is given."""
    return make_world(train=6, verify=6, step=FAULT)


def check_given_up(world: World, alpha: float) -> None:
    assert world.record(1, "given_up")["reason"] == "It ends in <b>an error</b>."
    pull = read_pull(world, 1)
    assert [c["body"][:11] for c in pull["comments"]] == ["## Given up"]
    assert "<b>" not in pull["comments"][0]["body"]
    assert pull["state"] == "closed"
    page = (world.lab / "index.html").read_text()
    assert "given up" in page
    assert "It ends in &lt;b&gt;" in page
    assert not (world.lab / "irregular.md").exists()
    policy = lab_context().policy("default")
    assert [
        (use.iteration, use.alpha) for use in uses(lab_context(), "read_sum", policy, before=9)
    ] == [(1, alpha)]
    assert Git(world.lab)("status", "--porcelain") == "?? baseline/"


def test_an_error_inside_a_verdict_is_one_sentence_and_giving_up_frees_the_lab(
    make_world: MakeWorld,
) -> None:
    world = make_stuck(make_world)
    for _ in range(2):
        out, said = world.command("Iteration").communicate()
        assert "Traceback" not in out + said
        assert said.count("Stopped: ") == 1
        assert "the verdict cannot be computed: OverflowError" in said
        assert "GiveUp --number 1 --reason" in said
    assert "OverflowError" in (world.folder(1) / "verdict_error.txt").read_text()
    ledger = world.command("Ledger")
    ledger.communicate()
    assert ledger.returncode == 0
    alpha = world.record(1, "meta")["judged_by"]["alpha"]
    command = world.command("GiveUp", "--number", "1", "--reason", "It ends in <b>an error</b>.")
    out, said = command.communicate()
    assert command.returncode == 0, said
    assert "Iteration 1  read_sum  given up" in out
    assert "#1 closed" in out
    check_given_up(world, alpha)
    again = world.command("Iteration", "--number", "1")
    assert "given up" in again.communicate()[0]
    assert again.returncode == 0
    out, said = world.command("Verdict", "--number", "1").communicate()
    assert "iteration 1 was given up" in said
    command = world.command("Iteration")
    out, said = command.communicate()
    assert command.returncode == 0, said
    assert world.record(2, "change")["strategy"] != world.record(1, "change")["strategy"]


def test_a_second_command_changes_nothing_and_keeps_the_first_reason(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_stuck(make_world)
    assert not world.iterate()
    assert give_up(number=1, reason="First.")
    before = read_pull(world, 1)
    assert give_up(number=1, reason="Second.")
    assert read_pull(world, 1) == before
    assert world.record(1, "given_up")["reason"] == "First."
    assert "the first command's reason is kept" in capsys.readouterr().out


def test_cut_off_anywhere_the_same_command_completes_it(make_world: MakeWorld) -> None:
    world = make_stuck(make_world)
    assert not world.iterate()
    alpha = world.record(1, "meta")["judged_by"]["alpha"]
    command = Command(GiveUp, {"number": 1, "reason": "It ends in <b>an error</b>."})
    ways = set()
    for moment, state in to_try(moments(world, command), how_far):
        ways.add(state)
        assert go_on(world, moment, command) == 0, moment
        check_given_up(world, alpha)
    # Else a place went unseen, and nothing was tried there.
    assert ways >= {"", "recorded", "commented", "closed", "summed up"}


def how_far(moment: Path) -> str:
    """The last thing that is there: for each a cut is to be tried."""
    folder = moment / "lab/analysis/1_read_sum"
    pull = json.loads((moment / "lab/pulls/0001.json").read_text())
    if not (folder / "given_up.json").exists():
        return ""
    if (folder / "summary.txt").exists():
        return "summed up"
    if pull["state"] == "closed":
        return "closed"
    return "commented" if pull["comments"] else "recorded"


def test_an_iteration_killed_in_any_phase_can_be_given_up_until_it_is_merged(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    by_files: dict[tuple[str, ...], Path] = {}
    for moment in moments(world, Command(Iteration, {})):
        if (moment / "lab/analysis/1_read_sum/meta.json").exists():
            by_files[list_files(moment)] = moment  # of each phase the last moment
    ended = set()
    for files, moment in by_files.items():
        merged = is_merged(moment)
        code = go_on(world, moment, Command(GiveUp, {"number": 1}))
        assert (code == 0) is not merged, moment
        assert (world.folder(1) / "given_up.json").exists() is not merged
        ended.add((merged, "change.json" in files, "verdict.json" in files))
    assert ended >= {(False, False, False), (False, True, False), (False, True, True)}
    assert (True, True, True) in ended


def list_files(moment: Path) -> tuple[str, ...]:
    """The records of the iteration at that moment, and whether its pull request is merged."""
    names = sorted(path.name for path in (moment / "lab/analysis/1_read_sum").glob("*.json"))
    return (*names, str(is_merged(moment)))


def is_merged(moment: Path) -> bool:
    pull = moment / "lab/pulls/0001.json"
    return pull.exists() and json.loads(pull.read_text())["state"] == "merged"


def test_what_is_concluded_or_not_there_is_refused(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    assert world.iterate()
    assert not give_up(number=1, reason="Too late.")
    assert "iteration 1 is concluded" in capsys.readouterr().err
    assert not (world.folder(1) / "given_up.json").exists()
    assert not give_up(number=2, reason="Too early.")
    assert "there is no iteration 2" in capsys.readouterr().err


def test_the_pull_request_of_others_stays_open_with_the_comment(make_world: MakeWorld) -> None:
    world = make_stuck(make_world)
    prompt = (world.target / "prompt.txt").read_text()
    world.branch("idea", {"prompt.txt": prompt.replace("[user]", f"{HINT}\n[user]")})
    assert not world.iterate(branch="idea")
    assert give_up(number=1, reason="Ours to fix.")
    pull = read_pull(world, 1)
    assert pull["state"] == "open"
    assert pull["comments"][-1]["body"].startswith("## Given up")


def test_a_code_host_that_fails_keeps_no_iteration_open(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_stuck(make_world)
    assert not world.iterate()
    pull = world.lab / "pulls/0001.json"
    text = pull.read_text()
    pull.write_text("{")
    assert give_up(number=1, reason="Gone.")
    assert "The same command tries again" in capsys.readouterr().out
    assert (world.folder(1) / "summary.txt").exists()
    Path(pull).write_text(text)
    assert give_up(number=1)
    assert read_pull(world, 1)["state"] == "closed"
    assert world.record(1, "given_up")["fault"] == ""
