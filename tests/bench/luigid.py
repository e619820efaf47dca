"""`make bench`: how three processes of one luigid share a look of 100 runs, beside one alone.

Seconds are from the first run's start to the last one's end, as runs_train.json has them. The
other two are started once the look is there, so that their start, of seconds, is part of it.
"""

import re
import tempfile
import time
from pathlib import Path

from tests.bench.stand_in import started
from tests.pipeline.luigid import Luigid
from tests.pipeline.world import World

LATENCY = 3.0
PLANS = 50
WORKERS = 8
PROCESSES = (1, 3)
_SHARE = re.compile(r"train runs: (\d+) made by this process")
_DONE = re.compile(r"train runs: (\d+) done, 0 failed, 0 left")


def main() -> None:
    """Measure each number of processes in a lab of its own and print a row for it."""
    runs = 2 * PLANS
    print(f"a look of {runs} runs of {LATENCY} s through a luigid, {WORKERS} calls per process\n")
    print(f"{'processes':>10}{'wall s':>9}{'ratio':>8}   shares")
    stand_in, address = started(LATENCY)
    alone = 0.0
    try:
        for processes in PROCESSES:
            with tempfile.TemporaryDirectory() as folder, Luigid(Path(folder)) as luigid:
                seconds, shares = _measure(Path(folder), address, luigid, processes)
            alone = alone or seconds
            shown = ", ".join(map(str, shares))
            print(f"{processes:>10}{seconds:>9.1f}{seconds / alone:>8.2f}   {shown}", flush=True)
    finally:
        stand_in.kill()


def _measure(folder: Path, address: str, luigid: Luigid, processes: int) -> tuple[float, list[int]]:
    model = {
        "provider": "openai_like",
        "id": "stand-in",
        "base_url": address,
        "deterministic": True,
        "workers": WORKERS,
    }
    world = World(folder / "world", models={"m": model}, train=PLANS, verify=1, scout=1).make()

    first = luigid.iterate(world)
    while processes > 1 and not (world.folder(1) / "batch_train.json").exists():
        if first.poll() is not None:
            raise SystemExit(first.communicate()[1])
        time.sleep(0.05)
    rest = [luigid.iterate(world) for _ in range(processes - 1)]
    said = [process.communicate()[1] for process in (first, *rest)]
    if not (world.folder(1) / "runs_train.json").exists():
        raise SystemExit("\n".join(said))
    shares = [sum(map(int, _SHARE.findall(err) or _DONE.findall(err))) for err in said]
    return float(world.record(1, "runs_train")["seconds"]), shares


if __name__ == "__main__":
    main()
