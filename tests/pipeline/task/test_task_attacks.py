"""Attacks that take more than one attempt, or come from the caller's side."""

import os
import socket
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from tests.pipeline.task.hostile_row import SAY
from tests.pipeline.task.task_world import BASE, BETTER, World

pytestmark = pytest.mark.slow
SLOW_ONCE = """import os, time
if "good good" not in open("t/artifact.md").read() or os.path.exists("t/slow.txt"):
    time.sleep(30)
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The usual small task."""
    return World(tmp_path, "attacked")


def _end(record: dict[str, Any]) -> tuple[str, str]:
    return record["status"], record["reason"]


def test_a_baseline_that_meets_a_bound_lets_nothing_in(world: World, capsys: Any) -> None:
    world.write("t/score.py", SLOW_ONCE + SAY)
    world.change({"scorer": {"timeout_seconds": 1}})
    assert _end(world.run(capsys)) == ("crash", "baseline_failed")
    assert (world.root / "t/artifact.md").read_text("utf-8") == "good\n"


def test_a_baseline_that_could_be_scored_before_is_no_absent_one(world: World, capsys: Any) -> None:
    assert _end(world.run(capsys)) == ("keep", "better")
    refuses = "if open('t/artifact.md').read().count('good') > 1: raise SystemExit(1)\n"
    world.write("t/score.py", refuses + SAY)
    world.write("t/mutate.py", "open('t/artifact.md', 'w').write('good bad\\n')")
    record = world.run(capsys)
    assert _end(record) == ("crash", "baseline_failed")
    assert "could be scored before" in record["detail"]


def test_a_first_version_needs_no_baseline(world: World, capsys: Any) -> None:
    (world.root / "t/artifact.md").unlink()
    assert _end(world.run(capsys)) == ("keep", "no_baseline")


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_the_mutator_tells_by_a_pipe_is_not_waited_for(
    kind: str, world: World, capsys: Any
) -> None:
    make = {
        "pipe": "import os\nos.mkfifo('work/mutation.json')\n",
        "socket": "import socket\nsocket.socket(socket.AF_UNIX).bind('work/mutation.json')\n",
    }[kind]
    world.write("t/mutate.py", make + "open('t/artifact.md', 'a').write('good\\n')\n")
    assert _end(world.run(capsys)) == ("keep", "better")


def test_a_pipe_in_place_of_work_is_taken_away(world: World, capsys: Any) -> None:
    world.write("t/mutate.py", "import os, shutil\nshutil.rmtree('work')\nos.mkfifo('work')\n"
                "open('t/artifact.md', 'a').write('good\\n')\n")  # fmt: skip
    assert _end(world.run(capsys)) == ("keep", "better")


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_folder_with_odd_files_is_no_candidate(
    kind: str, world: World, tmp_path: Path, capsys: Any
) -> None:
    mine = tmp_path / "c" / "t"
    mine.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(mine / "artifact.md")
    else:
        socket.socket(socket.AF_UNIX).bind(str(mine / "artifact.md"))
    record = world.run(capsys, candidate=str(mine.parent))
    assert (_end(record), record["files"]) == (("discard", "link"), ["t/artifact.md"])


def test_a_candidate_that_is_none_is_the_callers_fault(
    world: World, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("none", "empty", "repository/t/artifact.md"):
        record = world.run(capsys, candidate=str(tmp_path / name))
        assert _end(record) == ("crash", "bad_flag")
        assert "--candidate" in record["detail"]
    record = world.run(capsys, candidate=str(world.root))
    assert _end(record) == ("discard", "nothing_changed"), "its .git is none of the changes"


def test_two_tasks_with_one_id_are_told(world: World, capsys: Any) -> None:
    assert world.run(capsys)["status"] == "keep"
    first, world.file = world.file, world.root / "other" / "task.yaml"
    world.write("other/artifact.md", "good\n")
    world.save()
    for flags in ({}, {"undo": True}):
        record = world.run(capsys, **flags)
        assert _end(record) == ("crash", "bad_task")
        assert "'t/task.yaml'" in record["detail"]
        assert "'other/task.yaml'" in record["detail"]
    first.unlink()
    assert _end(world.run(capsys)) != ("crash", "bad_task"), "a file that was moved keeps its id"


def test_keeps_whose_records_are_gone_wedge_nothing(world: World, capsys: Any) -> None:
    assert world.run(capsys)["attempt"] == 1
    store = world.root / "work/tasks/attacked"
    rmtree(store / "attempts")
    record = world.run(capsys)
    assert (record["attempt"], *_end(record)) == (2, "keep", "better")
    (store / "keeps/3").mkdir()
    (store / "keeps/3/x").write_text("x")
    assert world.run(capsys, number=3)["status"] == "keep"
    assert not (store / "pending").exists()
    assert (store / "keeps/3-replaced/x").exists()
    assert world.run(capsys, undo=True)["undone"] == 3


def test_to_lengthen_a_file_beyond_its_bound(world: World, capsys: Any) -> None:
    world.write("t/mutate.py", "import os\nos.truncate('t/artifact.md', 1 << 30)\n")
    assert _end(world.run(capsys)) == ("crash", "file_limit")


def test_files_that_nobody_may_read(world: World, capsys: Any) -> None:
    more = "import os\nfor name in ('score.py', 'artifact.md'): os.chmod(f't/{name}', 0)\n"
    world.write("t/mutate.py", BETTER + more)
    assert _end(world.run(capsys)) == ("keep", "better")


def test_an_own_work_folder_is_made_that_no_commit_takes(world: World, capsys: Any) -> None:
    world.write(".gitignore", "")
    world.run(capsys)
    assert (world.root / "work/.gitignore").read_text("utf-8") == "*\n"


def test_an_undo_that_cannot_be_is_a_record(world: World, capsys: Any) -> None:
    assert _end(world.run(capsys, undo=True)) == ("crash", "bad_flag")
    assert world.run(capsys)["status"] == "keep"
    world.write("t/artifact.md", "mine\n")
    record = world.run(capsys, undo=True)
    assert _end(record) == ("crash", "workspace_changed")
    for word in ("git stash", "keeps/1/0.new as kept", "keeps/1/0.old before"):
        assert word in record["detail"]
    assert (world.root / "t/artifact.md").read_text("utf-8") == "mine\n"


def test_no_task_can_do_without_the_sandbox(world: World, capsys: Any) -> None:
    world.change({"jail": False})
    record = world.run(capsys)
    assert record["status"] == "keep"
    assert not any("no sandbox" in word for word in record["unenforced"])


def test_a_planted_answer_of_the_runner_is_no_answer(world: World, capsys: Any) -> None:
    world.write("t/run.py", "import os\nos.makedirs('work', exist_ok=True)\n"
                "os.mkfifo('work/score.json')\n")  # fmt: skip
    world.write("t/score.py", BASE + "import os\nos.path.exists('work/score.json') or "
                "os.mkfifo('work/score.json')\n")  # fmt: skip
    world.change({"runner": {"command": "python t/run.py"},
                  "scorer": {"parse": {"file": "work/score.json"}}})  # fmt: skip
    assert _end(world.run(capsys)) == ("crash", "score_missing")


def test_a_tree_that_another_engine_has_used_is_read_again(world: World, capsys: Any) -> None:
    assert _end(world.run(capsys)) == ("keep", "better")
    forged = world.root / "work/tasks/attacked/tree/t/score.py"
    forged.write_text("print('{\"score\": 1}')", "utf-8")
    world.root.joinpath("work/tasks/attacked/tree.user").write_text("another engine", "utf-8")
    assert world.run(capsys)["candidate_score"] == 0.05
    assert forged.read_text("utf-8") == BASE


def test_a_score_from_a_tree_that_was_changed_beside_the_engine_counts_for_nothing(
    world: World, capsys: Any
) -> None:
    assert _end(world.run(capsys)) == ("keep", "better")
    forged = world.root / "work/tasks/attacked/tree/t/score.py"
    forged.write_text("print('{\"score\": 1}')", "utf-8")
    record = world.run(capsys)
    assert record["candidate_score"] == 0.05 or _end(record) == ("discard", "evaluator_changed")
    assert world.run(capsys)["candidate_score"] == 0.05 + 0.02 * (record["status"] == "keep")
