"""What an iteration does beside its runs: time, CPU and memory of each phase, files a run leaves.

`python -m tests.bench.after_runs 10000` makes an iteration of that many runs, half of them on train
plans, with 32 in flight against a stand-in that takes 20 ms. `--profile FILE` keeps a cProfile.
"""

import cProfile
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.bench.stand_in import started
from tests.bench.wire import load_average
from tests.pipeline.world import World

LATENCY, PLACES = 0.02, 32
SIZES = (1_000, 10_000)
WORD = "not the number"


def main(sizes: tuple[int, ...] = SIZES, profile: str = "") -> None:
    """Measure each size in a process of its own and print its phases."""
    stand_in, address = started(LATENCY, WORD)
    for runs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            args = [sys.executable, "-m", "tests.bench.after_runs", "child", folder, str(runs)]
            done = subprocess.run([*args, address, profile], stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
        print(f"\n{runs} runs, load {load_average()}\n{'':>14}{'wall s':>9}{'CPU s':>9}{'MB':>7}")
        for name, (wall, cpu, memory) in found["phases"].items():
            print(f"{name:>14}{wall:>9.2f}{cpu:>9.2f}{memory:>7.0f}")
        wall, cpu = (
            sum(row[n] for name, row in found["phases"].items() if name != "Run") for n in (0, 1)
        )
        print(f"{'all but runs':>14}{wall:>9.2f}{cpu:>9.2f}")
        print(
            f"files a run {found['inodes']:.1f}, KB a run {found['kb']:.1f},"
            f" report {found['report']} KB"
        )
    stand_in.kill()


def child(folder: Path, runs: int, address: str, profile: str) -> dict[str, Any]:
    """Make a lab and an iteration in it; what each phase took."""
    model = {"provider": "openai_like", "id": "stand-in", "base_url": address}
    world = World(
        folder,
        models={"stand-in": {**model, "deterministic": True, "workers": PLACES}},
        train=runs // 4,
        verify=runs // 4,
        policy={"max_plans": runs},
    ).make()
    os.environ.update(world.env)
    import luigi  # noqa: PLC0415

    phases: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    last: list[Any] = ["start", time.perf_counter(), _cpu()]

    def note(task: luigi.Task | None) -> None:
        name, wall, cpu = last
        row, now, spent = phases[name], time.perf_counter(), _cpu()
        row[:] = row[0] + now - wall, row[1] + spent - cpu, _memory()
        last[:] = type(task).__name__, now, spent

    luigi.Task.event_handler(luigi.Event.START)(note)
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    assert world.iterate()
    if profiler:
        profiler.disable()
        profiler.dump_stats(profile)
    note(None)
    history = [p for p in (world.lab / "history").rglob("*")]
    size = sum(p.stat().st_blocks * 512 for p in history) / 1024
    made = sum(1 for p in history if p.name == "run.json")
    page = world.folder(1) / "report.html"
    print((world.folder(1) / "summary.txt").read_text(), file=sys.stderr)
    return {
        "phases": phases,
        "inodes": len(history) / made,
        "kb": size / made,
        "report": page.stat().st_size // 1024,
    }


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _memory() -> float:
    """Peak of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(child(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])))
    else:
        where = sys.argv.index("--profile") if "--profile" in sys.argv else len(sys.argv)
        chosen = tuple(int(n) for n in sys.argv[1:where])
        main(chosen or SIZES, "".join(sys.argv[where + 1 :]))
