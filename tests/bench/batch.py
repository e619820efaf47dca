"""`prompt-lab batch` as a command of its own, against a stand-in that takes 200 ms a call.

Ratio = wall time with start-up over ceil(calls / places) x 0.2 s. CPU and memory are those of the
command. `python -m tests.bench.batch 1400 128` measures one cell.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path

from tests.bench.stand_in import started
from tests.bench.wire import load_average

LATENCY = 0.2
CELLS = [(1, 1), (35, 8), (1_400, 32), (1_400, 128), (10_000, 128)]
WORDS = "Extract the amount of this invoice as JSON. " * 10


def main(cells: list[tuple[int, int]]) -> None:
    """Measure each cell and print a row for it."""
    print(f"a call takes {LATENCY * 1000:.0f} ms, load {load_average()}\n")
    print(f"{'calls':>7}{'places':>8}{'wall/ideal':>12}{'CPU ms/call':>13}{'CPU s':>8}{'MB':>7}")
    stand_in, address = started(LATENCY)
    for calls, places in cells:
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu, memory = _cell(Path(folder), calls, places, address)
        ratio = wall / (ceil(calls / places) * LATENCY)
        row = f"{calls:>7}{places:>8}{ratio:>12.2f}{cpu / calls * 1000:>13.2f}{cpu:>8.2f}"
        print(f"{row}{memory:>7.0f}", flush=True)
    stand_in.kill()


def _cell(folder: Path, calls: int, places: int, address: str) -> tuple[float, float, float]:
    file = folder / "ask.jsonl"
    lines = [[{"role": "user", "content": f"{WORDS}Invoice {n}."}] for n in range(calls)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [str(Path(sys.executable).with_name("prompt-lab")), "batch", str(file)]
    options = ["--base-url", address, "--model", "stand-in", "--concurrency", str(places)]
    begun = time.perf_counter()
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE)
    assert process.stdout is not None
    summary = json.loads(process.stdout.read())
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    assert (summary["answered"], summary["unanswered"]) == (calls, 0), summary
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    chosen = [int(n) for n in sys.argv[1:]]
    main([(chosen[0], chosen[1])] if chosen else CELLS)
