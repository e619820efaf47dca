"""CPU of the start of commands, over that of `import luigi`, which all of them but --help take.

`python -m tests.bench.start`. The ratio depends on the machine's load far less than seconds do.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.bench.wire import load_average
from tests.pipeline.world import World

ROUNDS = 5
BIN = Path(sys.executable).parent
ITERATION = ("luigi", "--module", "pipeline", "Iteration")


def main() -> None:
    """Make a small lab, finish an iteration, and measure each command in new interpreters."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "world", train=12, verify=12, scout=4).make()
        env = {**os.environ, **world.env}
        _run([str(BIN / ITERATION[0]), *ITERATION[1:]], env)
        commands = {
            "import luigi": [sys.executable, "-c", "import luigi"],
            "prompt-lab --help": [str(BIN / "prompt-lab"), "--help"],
            "prompt-lab batch --help": [str(BIN / "prompt-lab"), "batch", "--help"],
            "Iteration --number 1, finished": _iteration("--number", "1"),
            "Iteration --dry-run": _iteration("--dry-run"),
        }
        print(f"\nload {load_average()}\n{'':>32}{'CPU s':>8}{'ratio':>8}")
        base = 0.0
        for name, words in commands.items():
            spent = median(_run(words, env) for _ in range(ROUNDS))
            base = base or spent
            print(f"{name:>32}{spent:>8.2f}{spent / base:>8.2f}", flush=True)


def _iteration(*flags: str) -> list[str]:
    return [str(BIN / ITERATION[0]), *ITERATION[1:], *flags]


def _run(words: list[str], env: dict[str, str]) -> float:
    """Seconds of CPU of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
