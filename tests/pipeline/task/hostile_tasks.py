"""The table's tasks whose artifacts or outputs cover what judges them, or that lie oddly."""

import os
from typing import Any

from tests.pipeline.task.hostile_row import SAY, Row, crash, keep
from tests.pipeline.task.task_world import World

OWN_SCORE = "print('{\"score\": 1}')\n"


def _scored_by(*command: str, **more: Any) -> dict[str, Any]:
    return {"scorer": {"command": list(command)}, **more}


def _in_folder(world: World) -> None:
    world.write("t/d/score.py", SAY)
    world.write("t/d/other.md", "x\n")


def _linked_scorer(world: World) -> None:
    world.write("t/real.py", SAY)
    os.symlink("real.py", world.root / "t" / "link.py")


def _module(world: World) -> None:
    world.write("t/kit/__init__.py", "")
    world.write("t/kit/score.py", SAY)


def covering(name: str, artifacts: list[str], *command: str, setup: Any = None, **more: Any) -> Row:
    task = {"artifacts": artifacts, "mutation": {"max_files": 3}, **more}
    if command:
        task |= _scored_by(*command)
    return crash(name, "bad_task", setup=setup, task=task)


def _tracked_output(world: World) -> None:
    world.write("out/gold.txt", "gold\n")


COVERING = [
    covering("an artifact that is the scorer", ["artifact.md", "score.py"]),
    covering("an artifact that is the task", ["task.yaml"]),
    covering("an artifact that is its evaluator", ["artifact.md"], evaluator=["t/artifact.md"]),
    covering("an artifact in its evaluator", ["artifact.md"], evaluator=["t"]),
    covering("a folder that holds the scorer", ["d/"], "python", "t/d/score.py", setup=_in_folder),
    covering("a folder that will hold the scorer", ["d/"], "python", "t/d/none.py",
             setup=_in_folder),
    covering("a scorer by its whole path", ["real.py"], "sh", "-c", "python ./t/../t/real.py",
             setup=_linked_scorer),
    covering("a scorer behind a link", ["real.py"], "python", "t/link.py", setup=_linked_scorer),
    covering("a scorer behind another program", ["real.py"], "env", "A=1", "python", "-B",
             "t/real.py", setup=_linked_scorer),
    covering("a scorer that is a module", ["kit/"], "python", "-Bm", "t.kit.score", setup=_module),
    covering("a package of the scorer", ["kit/__init__.py"], "python", "-m", "t.kit.score",
             setup=_module),
    keep("an artifact that the scorer is told",
         task=_scored_by("python", "t/score.py", "t/artifact.md")),
    keep("an artifact that a program of the machine is told",
         task=_scored_by("python", "-c", SAY, "t/artifact.md")),
    crash("the whole repository as outputs", "bad_task", task={"outputs": ["."]}),
    crash("outputs that hold the scorer", "bad_task", task={"outputs": ["t"]}),
    crash("outputs that hold the evaluator", "bad_task",
          task={"outputs": ["data"], "evaluator": ["data/gold.txt"]}),
    crash("an artifact that is an output", "bad_task", task={"outputs": ["t/artifact.md"]}),
    crash("an artifact below work", "bad_task", task={"artifacts": [".venv/a.md"]},
          setup=lambda world: _move(world, ".")),
    crash("a task below work", "bad_task", setup=lambda world: _move(world, "work/t")),
]  # fmt: skip

OUTPUTS = [
    Row("rewrites an output that was there", "discard", "evaluator_changed",
        run="open('out/gold.txt', 'w').write('lead')", setup=_tracked_output,
        task={"outputs": ["out"]}),
    keep("writes a new output", run="open('out/new.txt', 'w').write('out')",
         setup=_tracked_output, task={"outputs": ["out"]}, score="open('out/new.txt')\n" + SAY),
]  # fmt: skip


def _move(world: World, folder: str) -> None:
    """The task's file from now on lies there."""
    world.file = world.root / folder / "task.yaml"
    world.file.parent.mkdir(parents=True, exist_ok=True)
