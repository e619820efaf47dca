"""One row of the table of hostile candidates and tasks, and the words to write it with."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.pipeline.task.task_world import BASE, World


class Row(NamedTuple):
    """`mutate`, `run` and `score` are Python; '' leaves the world's own. `setup` comes before."""

    name: str
    status: str
    reason: str
    mutate: str = ""
    run: str = ""
    score: str = ""
    task: dict[str, Any] = {}
    setup: Callable[[World], object] | None = None


SAY = (
    'import json\nprint(json.dumps({"score": open("t/artifact.md").read().count("good") / 100}))\n'
)
IN_FOLDER = {"artifacts": ["prompts/"], "mutation": {"max_files": 3}}


def keep(name: str, **more: Any) -> Row:
    return Row(name, "keep", "better", **more)


def discard(name: str, reason: str, mutate: str = "", **more: Any) -> Row:
    return Row(name, "discard", reason, mutate, **more)


def crash(name: str, reason: str, **more: Any) -> Row:
    return Row(name, "crash", reason, **more)


def scorer(name: str, reason: str, prints: str) -> Row:
    code = f"import sys\nsys.stdout.buffer.write({prints!r}.encode())\n"
    # The baseline is scored by the same scorer: it has none either, and is not asked for.
    return crash(name, reason, score=code)


def prompts(world: World) -> None:
    world.write("t/prompts/a.md", "good\n")
    world.write("t/score.py", BASE.replace("t/artifact.md", "t/prompts/a.md"))
