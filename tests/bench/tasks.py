"""`python -m tests.bench.tasks [iterations]`: what the engine adds to a task's own commands."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from adapters.git import Git
from adapters.sandbox.commands import SandboxedCommands
from pipeline.tasks.task_engine import Attempt
from prompt_lab.ports import Bounds, CommandFolder
from prompt_lab.task_engine.task_copy.files import scan
from prompt_lab.task_engine.task_copy.listing import candidates, list_files
from tests.pipeline.task.task_world import World

FILES = 2000
MUTATE = """import os
with open("t/artifact.md", "a") as file:
    file.write("attempt " + os.environ["PROMPTLAB_ATTEMPT"])
"""

ROUNDS = 10
"""The commands alone and as attempts by turns, so that both meet what else the machine does."""


class Round(NamedTuple):
    """Seconds of an iteration in one round: of the commands alone, of an attempt, of our CPU."""

    alone: float
    attempt: float
    cpu: float

    @property
    def added(self) -> float:
        """Seconds that an attempt adds."""
        return self.attempt - self.alone


def main(iterations: int) -> None:
    """Print the ideal, ours, the ratio and the milliseconds that an iteration adds."""
    with tempfile.TemporaryDirectory(prefix="prompt-lab-bench-") as folder:
        world = _world(Path(folder))
        first = _attempts(world, 1)[0]
        _ideal(world, 1)
        each = max(1, iterations // ROUNDS)
        rounds = [Round(_ideal(world, each), *_attempts(world, each)) for _ in range(ROUNDS)]
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
        print(
            f"{FILES} files, {each * ROUNDS} iterations of a mutator and a scorer, in {ROUNDS}"
            f" rounds; {load}"
        )
        for name in ("alone", "attempt", "added", "cpu"):
            found = [getattr(one, name) * 1000 for one in rounds]
            print(f"  {WORDS[name]:24} {median(found):7.1f} ms each in the median round,"
                  f" {min(found):.1f} in the best")  # fmt: skip
        ratio = median(one.attempt / one.alone for one in rounds)
        print(f"  ratio {ratio:.2f} (the first copy: {first:.2f} s)")
        _say_phases(world, each * ROUNDS)
        _say_parts(world)


WORDS = {
    "alone": "the commands alone", "attempt": "as attempts", "added": "an attempt adds",
    "cpu": "the engine's CPU",
}  # fmt: skip


def _world(folder: Path) -> World:
    world = World(folder, "bench")
    for number in range(FILES):
        world.write(f"many/{number % 40}/{number}.txt", f"{number}\n" * 50)
    world.write("t/mutate.py", MUTATE)
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "many")
    return world


def _ideal(world: World, iterations: int) -> float:
    """Seconds of the same two commands without anything around them."""
    scratch = world.root.parent / "plain"
    (scratch / "t").mkdir(parents=True, exist_ok=True)
    for name in ("t/artifact.md", "t/mutate.py", "t/score.py"):
        (scratch / name).write_bytes((world.root / name).read_bytes())
    begun = time.monotonic()
    for number in range(iterations):
        for script in ("t/mutate.py", "t/score.py"):
            subprocess.run(
                [sys.executable, script], cwd=scratch, check=True, capture_output=True,
                env={"PATH": os.defpath, "PROMPTLAB_ATTEMPT": str(number)},
            )  # fmt: skip
    return (time.monotonic() - begun) / iterations


def _attempts(world: World, iterations: int) -> tuple[float, float]:
    """Seconds and CPU seconds of an attempt, each a task of its own, as a campaign makes them."""
    begun, used = time.monotonic(), time.process_time()
    for _ in range(iterations):
        given: dict[str, Any] = {"task": str(world.file)}
        given["number"] = Attempt(**given).task_context.store.claim()
        Attempt(**given).run()
    return (time.monotonic() - begun) / iterations, (time.process_time() - used) / iterations


def _say_phases(world: World, iterations: int) -> None:
    lines = (world.root / "work" / "results.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines][-iterations:]
    words = {row["reason"]: 0 for row in rows}
    for row in rows:
        words[row["reason"]] += 1
    own = sum(row["duration_seconds"] - row["command_seconds"] for row in rows) / len(rows)
    print(f"  of an attempt, {own * 1000:.1f} ms lie between its commands")
    print(f"  reasons: {words}")


def _say_parts(world: World) -> None:
    """What the dearest parts would take if nothing were done ahead or left out."""
    limits = Bounds(20, memory_mb=256, processes=40, output_mb=1, file_mb=4)
    names = candidates(world.root, Git)
    place = CommandFolder(world.root, world.root)
    parts: dict[str, Callable[[], object]] = {
        "two programs that do nothing": lambda: (_true(), _true()),
        "both in new sandboxes": lambda: [
            SandboxedCommands().run(["/bin/true"], ".", {}, place, limits) for _ in "12"
        ],
        "one look at every file": lambda: list_files(world.root, [], Git, names),
        "to read the tree through once": lambda: scan(world.root),
    }
    for name, part in parts.items():
        seconds = sorted(_seconds(part) for _ in range(21))
        print(
            f"  {name}: {seconds[10] * 1000:.1f} ms in the median, {seconds[0] * 1000:.1f} at best"
        )


def _true() -> object:
    return subprocess.run(["/bin/true"], check=True, capture_output=True, env={})


def _seconds(part: Callable[[], object]) -> float:
    begun = time.perf_counter()
    part()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
