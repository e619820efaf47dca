"""What the gateway adds to a call: 200 calls at 32 at a time against a stand-in that takes 200 ms.

`python -m tests.bench.gateway [calls] [places]`. Each round measures the calls straight to the
stand-in and the same through the gateway; a row is the median of its rounds. Ratio = wall time /
(ceil(calls / places) x 0.2 s). Added = the difference of the medians per call.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx

from adapters.gateway.owner import Gateway
from adapters.gateway.settings import Route
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Side
from tests.bench.stand_in import started

LATENCY = 0.2
ROUNDS = 5
PROMPT = "Extract the amount. " * 100
LANES = 8
"""As many clients as our adapter has: one client alone costs more than the gateway."""


class Round(NamedTuple):
    """Seconds of wall time over the ideal, and milliseconds a call."""

    ratio: float
    median: float
    p95: float


def main(calls: int, places: int) -> None:
    """Measure and print."""
    stand_in, address = started(LATENCY)
    with TemporaryDirectory() as folder, gateway_to(address, places, Path(folder)) as gateway:
        token = gateway.issue("stand-in", plan="bench", side=Side.BASELINE, replicate=0)
        bases = {"direct": address, "gateway": gateway.url(token).openai}
        rounds: dict[str, list[Round]] = {name: [] for name in bases}
        for number in range(-1, ROUNDS):  # the first one warms up
            for name, base in bases.items():
                found = _round(base, calls, places)
                rounds[name] += [found] if number >= 0 else []
        used = gateway.usage(token)
    stand_in.kill()
    assert used.calls == (calls + places) * (ROUNDS + 1), used
    assert used.input_tokens == 50 * used.calls, used
    _table(rounds, calls, places)


def _table(rounds: dict[str, list[Round]], calls: int, places: int) -> None:
    print(f"{calls} calls of {LATENCY * 1000:.0f} ms at {places} at a time\n")
    print("{:>9}{:>8}{:>12}{:>9}".format("", "ratio", "median ms", "p95 ms"))
    for name, found in rounds.items():
        row = [median(column) for column in zip(*found, strict=True)]
        print(f"{name:>9}{row[0]:>8.2f}{row[1]:>12.1f}{row[2]:>9.1f}")
    pairs = zip(rounds["gateway"], rounds["direct"], strict=True)
    added = median(through.median - direct.median for through, direct in pairs)
    print(f"\nadded in the median per call: {added:.1f} ms")


def _round(base: str, calls: int, places: int) -> Round:
    body = {"model": "x", "messages": [{"role": "user", "content": PROMPT}], "temperature": 0}
    clients = [httpx.Client(base_url=base, trust_env=False, timeout=60) for _ in range(LANES)]

    def call(number: int) -> float:
        begun = time.perf_counter()
        clients[number % LANES].post("/chat/completions", json=body).raise_for_status()
        return (time.perf_counter() - begun) * 1000

    with ThreadPoolExecutor(places) as threads:
        list(threads.map(call, range(places)))  # the connections are opened
        begun = time.perf_counter()
        times = sorted(threads.map(call, range(calls)))
        wall = time.perf_counter() - begun
    for client in clients:
        client.close()
    ideal = ceil(calls / places) * LATENCY
    return Round(wall / ideal, median(times), times[int(len(times) * 0.95)])


def gateway_to(address: str, places: int, folder: Path) -> Gateway:
    """A gateway in front of the stand-in."""
    config = ModelConfig(
        alias="stand-in",
        provider="openai_like",
        id="stand-in",
        base_url=address,
        deterministic=True,
        workers=places,
    )
    return Gateway([Route(config=config)], log=folder / "calls.jsonl")


if __name__ == "__main__":
    numbers = [int(n) for n in sys.argv[1:]] or [200, 32]
    main(numbers[0], numbers[1])
