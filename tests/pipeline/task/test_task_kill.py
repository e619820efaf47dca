"""kill -9 of the engine at every phase: old or new, never between; and the next run works."""

import json
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests import warm_commands
from tests.pipeline.kill_at import BEGUN, PHASES, STEPS
from tests.pipeline.task.task_world import World
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]

BOTH = """import os
for name in ("a", "b"):
    with open(f"t/prompts/{name}.md", "a") as file:
        file.write("good\\n")
"""
COUNT = """import json
texts = [open(f"t/prompts/{name}.md").read() for name in "ab"]
print(json.dumps({"score": sum(text.count("good") for text in texts)}))
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A task with two artifacts, which the mutator changes alike."""
    world = World(tmp_path, "killed")
    for name in "ab":
        world.write(f"t/prompts/{name}.md", "good\n")
    world.write("t/mutate.py", BOTH)
    world.write("t/score.py", COUNT)
    world.change({"artifacts": ["prompts/"], "mutation": {"max_files": 2}})
    return world


@pytest.mark.parametrize("points", [PHASES, STEPS], ids=["phases", "steps"])
def test_is_old_or_new_at_every_point(world: World, capsys: Any, points: tuple[str, ...]) -> None:
    kept = 0
    for point in points:
        _die(world, point)
        if point != "placed":  # there is one of each until the next command has begun
            assert _goods(world) == (kept + 1 + (point in BEGUN),) * 2, point
        until(lambda: not world.left())
        kept += point in BEGUN
        record = world.run(capsys)
        assert (record["status"], record["baseline_score"]) == ("keep", 2 * (kept + 1)), (
            point,
            record["detail"],
        )
        kept += 1
        assert _goods(world) == (kept + 1,) * 2, point
        rows = [row for row in _rows(world) if row["status"] == "keep"]
        assert len(rows) == kept, f"{point}: what was kept is recorded once"
    assert not (world.root / "work/tasks/killed/pending").exists()


def test_an_undo_is_whole_at_every_point(world: World, capsys: Any) -> None:
    kept, undone = 0, 0
    for point in STEPS:
        assert world.run(capsys)["status"] == "keep"
        kept += 1
        _die(world, point, "undo")
        if point != "placed":
            assert _goods(world) == (kept + 1 - (point in BEGUN),) * 2, point
        kept -= point in BEGUN
        undone += point in BEGUN
        record = world.run(capsys, mutator="python -c pass")
        assert (record["reason"], record["baseline_score"]) == ("nothing_changed", 2 * (kept + 1))
        assert _goods(world) == (kept + 1,) * 2, point
        rows = [row for row in _rows(world) if row["kind"] == "undo"]
        assert len(rows) == undone, f"{point}: what was undone is recorded once"
    for left in reversed(range(kept)):
        assert world.run(capsys, undo=True)["kind"] == "undo"
        assert _goods(world) == (left + 1,) * 2


def test_a_half_written_keep_is_finished_by_the_next_run(world: World, capsys: Any) -> None:
    pending, begun = _prepared(world), world.root / "t/prompts/a.md"
    begun.write_bytes((pending / "0.new").read_bytes())
    (begun.parent / ".b.md.prompt-lab").write_text("half", encoding="utf-8")
    record = world.run(capsys)
    assert record["baseline_score"] == 4
    assert _lines(world) == ("good\n" * 3,) * 2
    assert not (begun.parent / ".b.md.prompt-lab").exists()


def test_a_half_written_keep_that_somebody_went_on_with_is_told(world: World, capsys: Any) -> None:
    pending = _prepared(world)
    (world.root / "t/prompts/a.md").write_bytes((pending / "0.new").read_bytes())
    world.write("t/prompts/b.md", "mine\n")
    record = world.run(capsys)
    assert (record["status"], record["reason"]) == ("crash", "engine")
    assert "pending-conflict" in record["detail"]
    assert _lines(world)[1] == "mine\n"
    assert world.run(capsys)["status"] == "keep"


def test_the_commands_of_a_killed_engine_end_with_it(world: World, capsys: Any) -> None:
    world.write("t/mutate.py", "import time\ntime.sleep(60)\n")
    engine = _engine(world)
    until(lambda: any("t/mutate.py" in line for line in world.left()))
    os.killpg(engine.pid, signal.SIGKILL)
    engine.wait()
    until(lambda: not world.left())
    world.write("t/mutate.py", BOTH)
    assert world.run(capsys, wait=0.0)["status"] == "keep"


def test_of_two_engines_one_waits_or_is_told(world: World, capsys: Any) -> None:
    world.write("t/mutate.py", BOTH + "import time\ntime.sleep(4)\n")
    world.change({"mutator": {"timeout_seconds": HANG_SECONDS}})
    engine = _engine(world)
    until(lambda: any("t/mutate.py" in line for line in world.left()))
    mutators = world.pids("t/mutate.py")
    for pid in mutators:  # however slow this process is, the other engine is at work
        os.kill(pid, signal.SIGSTOP)
    record = world.run(capsys, wait=0.0)
    for pid in mutators:
        os.kill(pid, signal.SIGCONT)
    assert (record["status"], record["reason"]) == ("crash", "busy")
    assert str(engine.pid) in record["detail"]
    waited = world.run(capsys, wait=HANG_SECONDS)
    said = json.loads(engine.communicate()[0])
    assert (said["status"], said["attempt"]) == ("keep", 1)
    assert (waited["status"], waited["attempt"], waited["baseline_score"]) == ("keep", 3, 4)


def test_a_keep_is_refused_where_the_workspace_has_changed(world: World, capsys: Any) -> None:
    world.write("t/mutate.py", BOTH + "import time\ntime.sleep(2)\n")
    engine = _engine(world)
    until(lambda: any("t/mutate.py" in line for line in world.left()))
    world.write("t/prompts/b.md", "mine\n")
    record = json.loads(engine.communicate()[0])
    assert (record["status"], record["reason"]) == ("discard", "workspace_changed")
    assert record["files"] == ["t/prompts/b.md"]
    assert _lines(world) == ("good\n", "mine\n")


def test_undo_takes_keep_after_keep_back(world: World, capsys: Any) -> None:
    states = [world.content()]
    for _ in range(2):
        assert world.run(capsys)["status"] == "keep"
        states.append(world.content())
    for number, state in ((2, states[1]), (1, states[0])):
        record = world.run(capsys, undo=True)
        assert (record["kind"], record["undone"]) == ("undo", number)
        assert world.content() == state
    assert [row["kind"] for row in _rows(world)] == ["attempt", "attempt", "undo", "undo"]


def test_undo_is_refused_where_an_artifact_was_changed_since(world: World, capsys: Any) -> None:
    assert world.run(capsys)["status"] == "keep"
    world.write("t/prompts/a.md", "mine\n")
    before = world.content()
    record = world.run(capsys, undo=True)
    assert (record["status"], record["reason"]) == ("crash", "workspace_changed")
    assert "t/prompts/a.md" in record["detail"]
    assert world.content() == before
    assert not (world.root / "work/tasks/killed/pending").exists()


def _prepared(world: World) -> Path:
    _die(world, "prepared")
    pending = world.root / "work/tasks/killed/pending"
    told = json.loads((pending / "manifest.json").read_text("utf-8"))["files"]
    assert [one["path"] for one in told] == ["t/prompts/a.md", "t/prompts/b.md"]
    old = sha256((world.root / "t/prompts/a.md").read_bytes()).hexdigest()
    assert told[0]["old"]["sha256"] == old
    return pending


def _die(world: World, point: str, *more: str) -> None:
    command = [sys.executable, "-m", "tests.pipeline.kill_at", str(world.file), point, *more]
    done = warm_commands.run(command, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL, (point, done.stderr)


def _engine(world: World) -> "subprocess.Popen[str]":
    return warm_commands.popen(
        [sys.executable, "-m", "pipeline.cli.task", str(world.file)],
        cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def _lines(world: World) -> tuple[str, str]:
    texts = [(world.root / f"t/prompts/{name}.md").read_text("utf-8") for name in "ab"]
    return texts[0], texts[1]


def _goods(world: World) -> tuple[int, int]:
    first, second = (text.count("good") for text in _lines(world))
    return first, second


def _rows(world: World) -> list[dict[str, Any]]:
    text = (world.root / "work/results.jsonl").read_text("utf-8")
    return [{"status": "", **json.loads(line)} for line in text.splitlines()]
