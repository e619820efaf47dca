"""Calls per second of CPU: our own client beside the SDK, at 32 and 128 at a time, 20 ms a call.

`python -m tests.bench.wire [calls]`. The stand-in is another process, whose CPU does not count. A
row is the median of its rounds. Ratio = wall time / (ceil(calls / places) x 20 ms).
"""

import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from statistics import median
from typing import NamedTuple

from pipeline.wiring import load_adapter
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Llm, Request
from tests.bench.stand_in import started

LATENCY = 0.02
ROUNDS = 3
PLACES = (32, 128)
CLIENTS = {"wire": "llm", "sdk": "llm_sdk"}
ASKED = Request("Extract the amount. " * 20, "Pay 12 EUR. " * 20)


class ClientRound(NamedTuple):
    """Calls per second of CPU, milliseconds of CPU a call, wall time over the ideal."""

    per_cpu_second: float
    cpu_ms: float
    ratio: float


def main(calls: int) -> None:
    """Measure and print."""
    stand_in, address = started(LATENCY)
    print(f"{calls} calls of {LATENCY * 1000:.0f} ms, load {load_average()}\n")
    print(f"{'':>6}{'places':>8}{'calls/CPU s':>13}{'CPU ms':>9}{'wall/ideal':>12}")
    for name, kind in CLIENTS.items():
        for places in PLACES:
            model = _model(kind, address, places)
            rounds = [_round(model, calls, places) for _ in range(ROUNDS + 1)][1:]
            row = [median(column) for column in zip(*rounds, strict=True)]
            print(f"{name:>6}{places:>8}{row[0]:>13.0f}{row[1]:>9.2f}{row[2]:>12.2f}")
            model.close()
    stand_in.kill()


def _model(kind: str, address: str, places: int) -> Llm:
    config = ModelConfig(
        alias="m",
        provider="openai_like",
        id="stand-in",
        base_url=address,
        deterministic=True,
        workers=places,
    )
    model: Llm = load_adapter(kind, "openai_like")(config)
    return model


def _round(model: Llm, calls: int, places: int) -> ClientRound:
    with ThreadPoolExecutor(places) as threads:
        list(threads.map(model.ask, [ASKED] * places))  # the connections are opened
        used, begun = _cpu(), time.perf_counter()
        answers = list(threads.map(model.ask, [ASKED] * calls))
        wall, used = time.perf_counter() - begun, _cpu() - used
    assert {answer.text for answer in answers} == {'{"amount": 2.5}'}
    return ClientRound(calls / used, used / calls * 1000, wall / (ceil(calls / places) * LATENCY))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def load_average() -> str:
    """Of this machine, over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1400)
