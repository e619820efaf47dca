"""`python -m tests.bench.tasks [iterations]`: what the engine adds to a task's own commands."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.tasks.task_engine import Attempt
from tests.pipeline.task.task_world import World

FILES = 2000
MUTATE = """import os
with open("t/artifact.md", "a") as file:
    file.write("attempt " + os.environ["PROMPTLAB_ATTEMPT"])
"""

_OWN: list[float] = []
"""The engine's CPU seconds before and after the last round."""


def main(iterations: int) -> None:
    """Print the ideal, ours, the ratio and the milliseconds that an iteration adds."""
    with tempfile.TemporaryDirectory(prefix="prompt-lab-bench-") as folder:
        world = _world(Path(folder))
        ideal = _ideal(world, iterations)
        first = _attempts(world, 1)
        ours = _attempts(world, iterations)
        added = (ours - ideal) / iterations * 1000
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
        print(f"{FILES} files, {iterations} iterations of a mutator and a scorer; {load}")
        print(f"  the commands alone   {ideal / iterations * 1000:7.1f} ms each")
        print(f"  as attempts          {ours / iterations * 1000:7.1f} ms each")
        print(f"  ratio {ours / ideal:.2f}, added {added:.1f} ms (the first copy: {first:.2f} s)")
        _say_phases(world, iterations)


def _world(folder: Path) -> World:
    world = World(folder, "bench")
    for number in range(FILES):
        world.write(f"many/{number % 40}/{number}.txt", f"{number}\n" * 50)
    world.write("t/mutate.py", MUTATE)
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "many")
    return world


def _ideal(world: World, iterations: int) -> float:
    """Seconds of the same commands without anything around them."""
    scratch = world.root.parent / "plain"
    (scratch / "t").mkdir(parents=True)
    for name in ("t/artifact.md", "t/mutate.py", "t/score.py"):
        (scratch / name).write_bytes((world.root / name).read_bytes())
    begun = time.monotonic()
    for number in range(iterations):
        for script in ("t/mutate.py", "t/score.py"):
            subprocess.run(
                [sys.executable, script], cwd=scratch, check=True, capture_output=True,
                env={"PATH": os.defpath, "PROMPTLAB_ATTEMPT": str(number)},
            )  # fmt: skip
    return time.monotonic() - begun


def _attempts(world: World, iterations: int) -> float:
    """Seconds of attempts, each a task of its own, in one process as a campaign makes them."""
    begun, _OWN[:] = time.monotonic(), [time.process_time()]
    for _ in range(iterations):
        given: dict[str, Any] = {"task": str(world.file)}
        given["number"] = Attempt(**given).task_context.store.claim()
        Attempt(**given).run()
    _OWN.append(time.process_time())
    return time.monotonic() - begun


def _say_phases(world: World, iterations: int) -> None:
    lines = (world.root / "work" / "results.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines][-iterations:]
    words = {row["reason"]: 0 for row in rows}
    for row in rows:
        words[row["reason"]] += 1
    own = sum(row["duration_seconds"] - row["command_seconds"] for row in rows) / len(rows)
    cpu = (_OWN[1] - _OWN[0]) / iterations
    print(
        f"  of it around the sandbox {own * 1000:.1f} ms, {cpu * 1000:.1f} ms of the engine's CPU"
    )
    print(f"  reasons: {words}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
