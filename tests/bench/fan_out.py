"""`make bench`: what the DAG adds to the calls themselves, against a stand-in that takes 200 ms.

Ratio = wall time / (ceil(runs / places) x 0.2 s). The bare pool makes the same calls through the
same model adapter on plain threads and keeps nothing: it is the floor of what Python can do here.
`python -m tests.bench.fan_out 1000 32` measures one cell.
"""

import json
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from typing import Any

from tests.bench.stand_in import started

LATENCY = 0.2
CELLS = [(35, 32), (35, 128), (1_000, 32), (1_000, 128), (10_000, 32), (10_000, 128)]


def main(cells: list[tuple[int, int]]) -> None:
    """Measure each cell in processes of their own and print a row for it."""
    print(f"a call takes {LATENCY * 1000:.0f} ms; ratios are wall time over the ideal\n")
    head = ("runs", "places", "ideal s", "bare pool", "DAG", "with start", "CPU ms/run", "rerun s")
    print("{:>7}{:>8}{:>9}{:>11}{:>7}{:>12}{:>12}{:>9}".format(*head))
    stand_in, address = started(LATENCY)
    for runs, places in cells:
        with tempfile.TemporaryDirectory() as folder:
            row = _cell(Path(folder), runs, places, address)
        print(
            f"{runs:>7}{places:>8}{row['ideal']:>9.1f}{row['bare']:>11.2f}{row['dag']:>7.2f}"
            f"{row['start']:>12.2f}{row['cpu']:>12.2f}{row['rerun']:>9.2f}",
            flush=True,
        )
    stand_in.kill()


def _cell(folder: Path, runs: int, places: int, address: str) -> dict[str, float]:
    ideal = ceil(runs / places) * LATENCY
    args = [str(folder), str(runs), str(places), address]
    bare = child("bare", args)
    begun = time.perf_counter()
    first = child("dag", args)
    whole = time.perf_counter() - begun
    again = child("dag", args)
    return {
        "ideal": ideal,
        "bare": bare["seconds"] / ideal,
        "dag": first["seconds"] / ideal,
        "start": whole / ideal,
        "cpu": first["cpu"] / runs * 1000,
        "rerun": again["seconds"],
    }


def child(kind: str, args: list[str]) -> dict[str, Any]:
    """What a process of its own measured."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.child", kind, *args],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    chosen = [int(n) for n in sys.argv[1:]]
    main([(chosen[0], chosen[1])] if chosen else CELLS)
