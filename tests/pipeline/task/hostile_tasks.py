"""The table's tasks whose artifacts or outputs cover what judges them, or that lie oddly."""

import os
from collections.abc import Callable
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


def _made(folder: str) -> Callable[[World], None]:
    def make(world: World) -> None:
        world.write("t/s.py", SAY)
        world.write("t/v.json", "{}\n")
        up = ".." if folder else "."
        world.write(f"{folder}Makefile", f"score:\n\t@cd {up}; python t/s.py\n")

    return make


def _program(world: World) -> None:
    _made("t/")(world)
    world.write("t/bare", "#!/bin/sh\npython t/s.py\n")


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

HIDDEN = [
    *(
        covering(f"a program behind {' '.join(command)}", ["artifact.md", "s.py"], *command,
                 setup=_program)
        for command in (
            ("sh", "-c", "cd t && python s.py"),
            ("sh", "-c", "python t/s.py; true"),
            ("sh", "-c", "python t/s.py|cat"),
            ("sh", "-c", "python $PROMPTLAB_TASK_DIR/s.py"),
            ("bash", "-o", "pipefail", "-ec", "python t/s.py"),
            ("python", "-mt.s"),
            ("python", "-m", "cProfile", "-o", "/tmp/p", "t/s.py"),
            ("python", "-m", "pdb", "-c", "c", "t/s.py"),
            ("python", "-m", "runpy", "t.s"),
            ("python", "-c", 'import runpy; runpy.run_path("t/s.py")'),
            ("env", "-C", "t", "python", "s.py"),
            ("env", "-S", "python t/s.py"),
            ("make", "-s", "-C", "t", "score"),
            ("pytest", "t"),
        )
    ),
    covering("a Makefile that make reads", ["Makefile"], "make", "-s", "-C", "t", "score",
             setup=_program, evaluator=["data"]),
    covering("a Makefile that is read first", ["GNUmakefile"], "make", "-sCt", "score",
             setup=_program, evaluator=["data"]),
    covering("a program by its first line", ["bare"], "sh", "-c", "t/b*", setup=_program),
    covering("a folder with a program", ["kit/"], "sh", "-c", "t/k*/s*", setup=_module),
    covering("a file that a shell's line names", ["v.json"], "sh", "-c", "python <t/v.json",
             setup=_program),
    covering("a program that a shell's line runs elsewhere", ["s.py"], "sh", "-c",
             "cd t && python s.py", setup=_program, evaluator=["data"]),
    covering("a program that a profiler runs", ["s.py"], "python", "-m", "cProfile", "t/s.py",
             setup=_program, evaluator=["data"]),
    keep("a folder that make goes to", setup=_made("t/"),
         task=_scored_by("make", "-s", "-C", "t", "score")),
    keep("a recipe of make", setup=_made(""), task=_scored_by("make", "-s", "score")),
    keep("a shell's line that names other files", setup=_made(""),
         task=_scored_by("sh", "-c", "cd t; cd ..; python t/s.py | cat")),
    keep("a program that no line runs, with a declared evaluator", setup=_made(""),
         task=_scored_by("sh", "-c", "python t/score.py", evaluator=["t/score.py"],
                         artifacts=["artifact.md", "s.py"])),
    keep("a program where the scorer is named", setup=_made(""),
         task=_scored_by("timeout", "9", "python", "-X", "utf8", "t/score.py", "t/s.py",
                         artifacts=["artifact.md", "s.py"])),
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
