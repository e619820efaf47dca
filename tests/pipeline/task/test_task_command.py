"""prompt-lab-task from any folder; whatever is wrong with its flags ends in one record."""

import json
import os
import re
import subprocess
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from tests import warm_commands
from tests.pipeline.task.task_world import BETTER, World
from tests.prompt_lab.tasks.validate import check

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


def _run(cwd: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = [str(warm_commands.BIN / "prompt-lab-task"), *words]
    return warm_commands.run(command, cwd=cwd, env={**os.environ, **more})


@pytest.mark.parametrize("git", [True, False])
def test_the_command_of_the_page_for_another_repository(git: bool, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tasks.md").read_text("utf-8")
    [command] = re.findall(r'^"\$LAB/.*$', page, re.MULTILINE)
    world = World(tmp_path, "packing")
    world.file = world.root / "packing" / "task.yaml"
    world.write("packing/artifact.md", "good\n")
    if not git:
        rmtree(world.root / ".git")
        world.change({"mutator": {"command": "python t/none.py", "cwd": "."}})
    world.save()
    done = subprocess.run(
        ["sh", "-c", command], cwd=world.root, env={**os.environ, "LAB": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    record = _record(done)
    if git:
        assert record["task_id"] == "packing"
    else:
        assert "no folder above has a .git" in record["detail"]


def _record(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert "Traceback" not in done.stderr, done.stderr
    assert len(done.stdout.splitlines()) == 1, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    check("result", record)
    return record


@pytest.mark.parametrize("settings", ["", "luigi.cfg"])
def test_works_in_any_folder(settings: str, tmp_path: Path) -> None:
    world = World(tmp_path, "elsewhere")
    more = {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")} if settings else {}
    done = _run(world.root, "t/task.yaml", **more)
    assert done.returncode == 0, done.stderr
    assert _record(done)["status"] == "keep"


@pytest.mark.parametrize(
    "words",
    [
        ["--number", "-1"], ["--campaign", "--iterations", "0"],
        ["--campaign", "--iterations", "-5"], ["--mutator", "python 'open"],
        ["--campaign", "--mutator", "python 'open"], ["--undo"], ["--unknown", "3"],
        ["--candidate", "none"], ["--wait", "soon"], ["--undo", "--explain"],
        ["--campaign", "--first", "99"],
    ],
)  # fmt: skip
def test_a_flag_that_cannot_be_is_one_record(words: list[str], tmp_path: Path) -> None:
    world = World(tmp_path, "flags")
    done = _run(world.root, "t/task.yaml", *words)
    assert done.returncode != 0
    record = _record(done)
    assert (record["status"], record["reason"]) == ("crash", "bad_flag"), record["detail"]
    assert [word for word in words if word.startswith("--")][-1] in record["detail"]


def test_a_campaign_goes_on_with_no_lone_attempt(tmp_path: Path) -> None:
    world = World(tmp_path, "lone")
    assert _run(world.root, "t/task.yaml").returncode == 0
    done = _run(world.root, "t/task.yaml", "--campaign", "--first", "1")
    assert done.returncode != 0
    record = _record(done)
    assert record["reason"] == "bad_flag"
    assert "no campaign of the task begins with attempt 1" in record["detail"]
    begun = _run(world.root, "t/task.yaml", "--campaign", "--iterations", "1")
    [number] = json.loads(begun.stdout)["attempts"]
    again = _run(world.root, "t/task.yaml", "--campaign", "--first", str(number),
                 "--iterations", "2")  # fmt: skip
    ended = json.loads(again.stdout)
    check("campaign", ended)
    assert ended["attempts"] == [number, number + 1]


def test_a_campaign_says_that_the_workspace_has_changed(tmp_path: Path) -> None:
    world = World(tmp_path, "meanwhile")
    world.write("t/mutate.py", f"{BETTER}open({str(world.root / 'new.txt')!r}, 'w').write('x')\n")
    done = _run(world.root, "t/task.yaml", "--campaign", "--iterations", "1",
                PROMPTLAB_SANDBOX="none")  # fmt: skip
    ended = json.loads(done.stdout)
    check("campaign", ended)
    assert ended["reasons"] == {"workspace_changed": 1}, done.stderr


def test_a_given_candidate_has_no_mutator_in_its_record(tmp_path: Path) -> None:
    world = World(tmp_path, "given")
    for name in ("t/score.py", "src/other.py"):
        folder = tmp_path / name.replace("/", "-")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("pass\n", encoding="utf-8")
        record = _record(_run(world.root, "t/task.yaml", "--candidate", str(folder)))
        assert record["status"] == "discard"
        assert name in record["detail"]
        assert "mutator" not in record["detail"]


def test_a_campaign_without_a_mutator_is_refused_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, "idle")
    del world.told["mutator"]
    world.save()
    done = _run(world.root, "t/task.yaml", "--campaign")
    assert done.returncode != 0
    record = _record(done)
    assert record["reason"] == "bad_flag"
    assert "needs a mutator" in record["detail"]
    assert not (world.root / "work").exists()


def test_a_disk_that_takes_nothing_is_one_record(tmp_path: Path) -> None:
    world = World(tmp_path, "full")
    (world.root / "work").symlink_to("/dev/full")
    done = _run(world.root, "t/task.yaml")
    assert done.returncode != 0
    assert _record(done)["reason"] == "engine"
