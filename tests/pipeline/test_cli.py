"""The command line as people meet it: exit codes, the terminal's look, and what is left alone."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.web import scheduler
from tests.pipeline.model_server import ModelServer
from tests.pipeline.terminal import STOPPED, Said, forked, luigi
from tests.pipeline.test_bad_input import PARSE, TASK, stops
from tests.pipeline.world import PLAIN, World, scripted
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
FEW: dict[str, Any] = {"train": 3, "verify": 3, "scout": 2}


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with its size and time."""
    stats = {str(p.relative_to(folder)): p.stat() for p in folder.rglob("*")}
    return {name: (s.st_size, s.st_mtime_ns) for name, s in stats.items()}


def planexe_like(lab: Path) -> None:
    """A tiny lab of another tool: its own keys, a file that is cut off, a stray one."""
    for number, step in ((0, "levers"), (1, "levers"), (2, "read_sum")):
        folder = lab / "analysis" / f"{number}_{step}"
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text('{"pr_url": "https://example.org/7"}')
        (folder / "synthesis.md").write_text("# What we think\n")
    (lab / "analysis/1_levers/meta.json").write_text('{"pr_')
    (lab / "analysis/best.json").write_text("{}")
    run = lab / "history/0/41_levers"
    (run / "outputs/plan").mkdir(parents=True)
    (run / "meta.json").write_text('{"step": "levers"}')


def test_a_message_in_the_terminal_is_one_message(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    for args, code in ((("Iteration", "--models", "nobody"), TASK), (("Iteratoin",), 1)):
        process = world.command(*args)
        out, err = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == code
        assert (err.count(STOPPED), "Traceback" in err, out) == (1, False, "")


def test_an_unknown_flag_is_named_beside_the_known_ones(make_world: MakeWorld) -> None:
    said = luigi(make_world(**FEW), "Iteration", "--flag", "x")
    assert said.code == 2
    assert "unrecognized arguments: --flag" in said.err
    assert "--branch BRANCH" in said.err


@pytest.mark.parametrize("lab", ["fresh", "open", "finished"])
def test_a_dry_run_writes_nothing_at_all(make_world: MakeWorld, lab: str) -> None:
    world = make_world(**FEW)
    if lab != "fresh":
        assert luigi(world, "Prepare" if lab == "open" else "Iteration").code == 0
    before = tree(world.root)
    said = luigi(world, "Iteration", "--dry-run")
    assert said.code == 0
    assert f"Dry run of iteration {2 if lab == 'finished' else 1}" in said.out
    stops(luigi(world, "Iteration", "--dry-run", "--branch", "nobody"), TASK, "no such branch")
    assert tree(world.root) == before


def test_one_phase_alone_then_the_rest_then_the_summary_again(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    assert luigi(world, "Verdict", "--number", "1").code == 0
    assert (world.folder(1) / "verdict.json").exists()
    assert not (world.folder(1) / "conclusion.json").exists()
    first = luigi(world, "Iteration")
    again = luigi(world, "Iteration", "--number", "1")
    assert (first.code, again.code) == (0, 0)
    assert "Iteration 1  read_sum" in first.out
    assert again.out.strip() == first.out.strip()


def test_several_workers_share_the_lab_with_each_other(make_world: MakeWorld) -> None:
    said = luigi(make_world(**FEW), "Iteration", "--workers", "3")
    assert said.code == 0, said.err
    assert "Iteration 1  read_sum" in said.out


def test_skip_implement_takes_only_a_change_that_is_given(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    stops(luigi(world, "Iteration", "--skip-implement"), TASK, "--branch or --pr")
    world.branch("idea", {"prompt.txt": PLAIN + "Please.\n"})
    assert luigi(world, "Implement", "--skip-implement", "--branch", "idea").code == 0
    assert luigi(world, "Implement", "--number", "2", "--pr", "1", "--skip-implement").code == 0
    assert world.record(2, "change")["branch"] == "idea"


def test_skip_runner_judges_what_has_been_run_and_calls_nobody(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    stops(luigi(world, "Iteration", "--skip-runner"), TASK, "Leave --skip-runner out")
    assert not (world.lab / "history").exists()
    assert luigi(world, "Runs").code == 0
    for name in ("runs_train.json", "run.json"):
        sorted(world.lab.rglob(name))[-1].unlink()
    said = luigi(world, "Verdict", "--skip-runner")
    assert (said.code, said.err) == (0, "")
    assert world.verdict(1).n_missing == 1


def test_a_lab_of_another_tool_is_read_and_never_changed(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    planexe_like(world.lab)
    before = tree(world.lab / "analysis") | tree(world.lab / "history")
    stops(luigi(world, "Iteration", "--number", "2"), PARSE, "2_read_sum", "another tool", "(3)")
    stops(luigi(world, "Iteration", "--number", "1"), PARSE, "iteration 1 is one of step 'levers'")
    assert luigi(world, "Iteration").code == 0
    assert (world.folder(3) / "summary.txt").exists()
    after = tree(world.lab / "analysis") | tree(world.lab / "history")
    files = {name: of for name, of in before.items() if "." in name}
    assert {name: after[name] for name in files} == files
    assert sorted(p.name for p in (world.lab / "history/0").glob("4*")) == [
        "41_levers",
        "42_read_sum",
        "43_read_sum",
        "44_read_sum",
    ]
    index = (world.lab / "index.html").read_text()
    assert all(f">{number}<" in index for number in range(4))


def test_odd_names_of_lab_plans_and_models(tmp_path: Path) -> None:
    models = {"a b ü": scripted({"otherwise": "7"}), "-x": scripted({"otherwise": "7"})}
    world = World(tmp_path / "läb & co {0}", models=models, **FEW).make()
    train = world.lab / "baseline/train"
    for n, name in enumerate(("-dash", "mit leer * [ü]", "日本\u2028{0} <b>")):
        (train / f"plan_train_{n:03d}").rename(train / name)
    said = luigi(world, "Scout", "--models=-x,a b ü", "--plans=-dash,mit leer * [ü]")
    assert (said.code, "WARNING" in said.err) == (0, False), said.err
    (train / os.fsdecode(b"\xff")).mkdir()
    shutil.copy(train / "-dash/invoice.txt", train / os.fsdecode(b"\xff"))
    stops(luigi(world, "Prepare", "--number", "2"), TASK, "is not UTF-8. Rename that folder")


def test_a_relative_root_and_a_lab_that_moved_while_idle(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    roots = {name: os.path.relpath(path) for name, path in world.env.items()}
    assert luigi(world, "Runs", env=roots).code == 0
    world.root = world.root.rename(world.root.with_name("moved"))
    said = luigi(world, "Iteration")
    assert said.code == 0, said.err
    assert "to make" not in said.err
    assert str(world.root) in said.out


def test_a_second_process_says_who_holds_the_lab_and_ctrl_c_ends_at_once(
    make_world: MakeWorld,
) -> None:
    with ModelServer(latency=HANG_SECONDS) as server:
        world = make_world(models={"m": server.config(workers=2)}, **FEW)
        process = world.command("Iteration", start_new_session=True)
        until(lambda: server.calls.total() >= 2)
        same = world.command("Iteration")
        out, err = same.communicate(timeout=HANG_SECONDS)
        for said in (luigi(world, "Runs"), Said(same.returncode, out, err)):
            stops(said, TASK, "another process is using this lab", f"pid {process.pid}")
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail("Ctrl-C did not end the command")
        assert process.returncode == 130, err
        assert "The same command goes on from here" in err
        assert "Traceback" not in err


def test_the_scheduler_says_why_it_cannot_start(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    shutil.rmtree(world.lab)
    world.lab.write_text("not a folder")
    said = forked(world, scheduler.main, {})
    assert said.code == 1
    assert "lab/work: Not a directory" in said.err
