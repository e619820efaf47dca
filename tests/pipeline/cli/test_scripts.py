"""scripts/: the original tool's commands, each on a world of scripted models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import warm_commands
from tests.pipeline.task.task_world import World as TaskWorld
from tests.pipeline.terminal import luigi
from tests.pipeline.world import HINT, PLAIN, REPOSITORY, World

pytestmark = pytest.mark.slow
SCRIPTS = REPOSITORY / "scripts"
LONGEST = 12
DOCUMENTS = {
    "run_insight": "insight_metrics.md",
    "run_code_review": "code_metrics.md",
    "run_synthesis": "synthesis.md",
    "run_assessment": "assessment.md",
    "run_analysis": "assessment.md",
}


def run(name: str, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """One script in a process of its own, in the checkout."""
    done = warm_commands.run(
        [sys.executable, SCRIPTS / f"{name}.py", *words],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "HOME": str(REPOSITORY), **env},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def better(tmp_path: Path, **more: Any) -> World:
    """A world with a branch that is better."""
    world = World(tmp_path / "world", train=4, verify=4, **more).make()
    world.branch("better", {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}")})
    return world


def test_every_script_is_short() -> None:
    lengths = {path.name: path.read_text().count("\n") for path in SCRIPTS.glob("*.py")}
    assert len(lengths) == 17
    assert max(lengths.values()) <= LONGEST


def test_an_iteration_takes_the_original_flags(tmp_path: Path) -> None:
    world = better(tmp_path)
    flags = ("--skip-implement", "--models", "exact")
    done = run("run_optimization_iteration", *flags, **world.env)
    assert done.returncode != 0
    assert "--skip-implement: name the change" in done.stderr
    world = better(tmp_path / "named")
    done = run("run_optimization_iteration", *flags, "--branch", "better", **world.env)
    assert done.returncode == 0, done.stderr
    assert world.record(1, "meta")["models"] == ["exact"]
    world = better(tmp_path / "skipped")
    done = run("run_optimization_iteration", "--skip-runner", "--branch", "better", **world.env)
    assert (done.returncode != 0, "Leave --skip-runner out" in done.stderr) == (True, True)


def test_a_pull_request_is_prepared(tmp_path: Path) -> None:
    world = better(tmp_path)
    assert luigi(world, "Iteration", "--branch", "better").code == 0  # opens pull request 1
    done = run("prepare_iteration", "read_sum", "7", **world.env)
    assert done.returncode != 0
    assert "there is no pull request #7" in done.stderr
    world = better(tmp_path / "open")
    assert luigi(world, "Implement", "--branch", "better").code == 0
    for path in world.folder(1).iterdir():
        path.unlink()
    world.folder(1).rmdir()
    done = run("prepare_iteration", "read_sum", "1", **world.env)
    assert done.returncode == 0, done.stderr
    assert world.record(1, "prepared")["pull"] == 1


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_analysis_folder_is_enough(name: str, tmp_path: Path) -> None:
    world = better(tmp_path)
    assert luigi(world, "Runs", "--branch", "better").code == 0
    done = run(name, str(world.folder(1)), PROMPTLAB_CONFIGS=world.env["PROMPTLAB_CONFIGS"])
    assert done.returncode == 0, done.stderr
    assert (world.folder(1) / DOCUMENTS[name]).is_file()


def test_what_is_no_analysis_folder_is_named(tmp_path: Path) -> None:
    done = run("run_insight", str(tmp_path))
    assert done.returncode == 2
    assert "is no analysis folder: give <lab>/analysis/<number>_<step>" in done.stderr


def test_a_task_is_run(tmp_path: Path) -> None:
    world = TaskWorld(tmp_path, "shim")
    world.save()
    done = run("run_task", "--task", str(world.file))
    assert json.loads(done.stdout)["task_id"]
    assert run("run_task").returncode == 2
