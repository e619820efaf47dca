"""promptops/metrics.jsonl and other logs: collected in memory, appended by a thread of its own."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from prompt_lab.errors import StoreError
from prompt_lab.promptops.personal import hide_personal
from prompt_lab.promptops.records import CallOutcome, metric_row
from prompt_lab.store.files import append_rows, disk_errors
from prompt_lab.store.layout import Lab

Row = dict[str, Any]
COLLECT_SECONDS: Final = 0.2
MOST_WAITING: Final = 100_000
"""Rows in memory; further ones are dropped and counted, so that a full disk costs no memory."""
_AT_ONCE: Final = 1000
_TEXTS = ("question", "answer", "error")
_log = logging.getLogger("prompt_lab.promptops")


class MetricLog:
    """Appends rows without making its callers wait. Safe to use from many threads and forks."""

    _writer: threading.Thread | None

    def __init__(self, lab: Lab, name: str = "metrics.jsonl") -> None:
        self.path = lab.root / "promptops" / name
        self.dropped = 0
        self._start_empty()

    def add(self, row: Row | Callable[[], Row]) -> None:
        """Take a row, or what makes it on the writing thread; nothing is written here."""
        if os.getpid() != self._process:  # a fork has neither the thread nor a right to the rows
            self._start_empty()
        if len(self._rows) >= MOST_WAITING:
            self.dropped += 1
            return
        self._rows.append(row)
        if not self._filled.is_set():
            self._filled.set()
            if self._writer is None:
                self._start_writer()

    def flush(self) -> None:
        """Write what is waiting, on the calling thread. What the disk refuses is dropped."""
        with self._writing:
            while self._rows:
                taken = [self._rows.popleft() for _ in range(min(_AT_ONCE, len(self._rows)))]
                try:
                    with disk_errors(self.path):
                        self.path.parent.mkdir(parents=True, exist_ok=True)
                    append_rows(self.path, [row() if callable(row) else row for row in taken])
                except StoreError as error:
                    if not self.dropped:
                        _log.warning("rows are lost: %s", error)
                    self.dropped += len(taken)

    def close(self) -> None:
        """Write what is waiting and end the thread; a later row starts another."""
        if os.getpid() != self._process:
            return
        writer, self._writer = self._writer, None
        self._closed.set()
        self._filled.set()
        if writer is not None:
            writer.join()
        self.flush()
        self._closed.clear()
        self._filled.clear()

    def _start_empty(self) -> None:
        self._process = os.getpid()
        self._rows: deque[Row | Callable[[], Row]] = deque()
        self._filled, self._closed = threading.Event(), threading.Event()
        self._writing, self._starting = threading.Lock(), threading.Lock()
        self._writer = None

    def _start_writer(self) -> None:
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="metrics", daemon=True)
                self._writer.start()

    def _write(self) -> None:
        while not self._closed.is_set():
            self._filled.wait()
            self._closed.wait(COLLECT_SECONDS)
            self._filled.clear()
            self.flush()


def append_metric(lab: Lab, kind: str, when: str, **fields: Any) -> None:
    """Append one row at once: for commands and the worker. Raises StoreError."""
    path = lab.root / "promptops" / "metrics.jsonl"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    append_rows(path, [metric_row(kind, when, **fields)])


def describe_outcome(trace: str, when: str, facts: Mapping[str, Any]) -> Row:
    """The row of one outcome: the facts that CallOutcome knows and accepts.

    Keys and personal data are hidden. Other facts are left out and named, under `left_out`, so that
    one wrong fact loses no other. Without success or error, as of a user's feedback that comes
    later, it is a review_result.

    >>> row = describe_outcome("t", "2026-01-01T00:00:00Z", {"success": True, "latency_ms": -1})
    >>> row["success"], row["left_out"]
    (True, ['latency_ms'])
    """
    given = {name: value for name, value in facts.items() if name in CallOutcome.model_fields}
    for fixed in ("trace", "when", "version"):
        given.pop(fixed, None)
    known = dict(given)
    try:
        found = CallOutcome(trace=trace, when=when, **known)
    except ValidationError as error:
        for fault in error.errors():
            known.pop(str(fault["loc"][0]), None)
        found = CallOutcome(trace=trace, when=when, **known)
    row = found.model_dump(mode="json", include=set(known))
    for name in _TEXTS:
        if row.get(name):
            row[name] = hide_personal(row[name])
    if row.get("sources"):
        row["sources"] = [hide_personal(text) for text in row["sources"]]
    left_out = sorted(str(name) for name in facts.keys() - known.keys() if name != "when")
    if left_out:
        row["left_out"] = left_out
    has_ended = row.get("success") is not None or row.get("error")
    kind = "model_interaction" if has_ended else "review_result"
    return metric_row(kind, when, trace=trace, **row)
