"""`make bench`: how three processes of one luigid share a look of 100 runs, beside one alone.

Seconds are from the first run's start to the last one's end, as runs_train.json has them. The
other two are started once the look is there, so that their start, of seconds, is part of it.
"""

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench.stand_in import started
from tests.pipeline.world import REPOSITORY, World

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
            with tempfile.TemporaryDirectory() as folder, luigid(Path(folder)) as port:
                seconds, shares = _measure(Path(folder), address, port, processes)
            alone = alone or seconds
            shown = ", ".join(map(str, shares))
            print(f"{processes:>10}{seconds:>9.1f}{seconds / alone:>8.2f}   {shown}", flush=True)
    finally:
        stand_in.kill()


@contextmanager
def luigid(folder: Path) -> Iterator[int]:
    """A luigid with our settings; the port that it listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    program = str(Path(sys.executable).with_name("luigid"))
    where = ["--address", "127.0.0.1", "--port", str(port), "--state-path", str(folder / "state")]
    with subprocess.Popen(
        [program, *where], cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while process.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def _measure(folder: Path, address: str, port: int, processes: int) -> tuple[float, list[int]]:
    model = {
        "provider": "openai_like",
        "id": "stand-in",
        "base_url": address,
        "deterministic": True,
        "workers": WORKERS,
    }
    world = World(folder / "world", models={"m": model}, train=PLANS, verify=1, scout=1).make()

    def start() -> "subprocess.Popen[str]":
        args = ("Iteration", "--number", "1", "--scheduler-port", str(port))
        return world.command(*args, env={"LUIGI_CONFIG_PATH": "configs/luigid.cfg"})

    first = start()
    while processes > 1 and not (world.folder(1) / "batch_train.json").exists():
        if first.poll() is not None:
            raise SystemExit(first.communicate()[1])
        time.sleep(0.05)
    rest = [start() for _ in range(processes - 1)]
    said = [process.communicate()[1] for process in (first, *rest)]
    if not (world.folder(1) / "runs_train.json").exists():
        raise SystemExit("\n".join(said))
    shares = [sum(map(int, _SHARE.findall(err) or _DONE.findall(err))) for err in said]
    return float(world.record(1, "runs_train")["seconds"]), shares


if __name__ == "__main__":
    main()
