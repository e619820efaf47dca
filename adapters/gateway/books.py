"""The books: each call's record, redacted, in its run and as a line of the log.

They are kept while nobody waits: a call's record is written a moment after its client has the
answer, or when someone asks for it.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

from adapters.gateway.recordings import RecordedRequest
from adapters.gateway.records import CallRecord
from adapters.gateway.runs import TokenRun
from adapters.gateway.settings import Route
from prompt_lab.errors import LabError
from prompt_lab.redact import Redactor
from prompt_lab.store.files import disk_errors

DELAY_SECONDS = 0.05


class UsageAccounting:
    """`fault` is what went wrong with the log, for the owner to hear."""

    def __init__(self, routes: Mapping[str, Route], redactor: Redactor, log: Path | None) -> None:
        self._routes, self._redactor, self._log = routes, redactor, log
        self._handle: int | None = None
        self._waiting: list[tuple[TokenRun, RecordedRequest, CallRecord]] = []
        self.fault = ""

    def enter(self, run: TokenRun, question: RecordedRequest, record: CallRecord) -> None:
        """A call has ended; its run counts it as open until it is written."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(DELAY_SECONDS, self.write)
        self._waiting.append((run, question, record))

    def write(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        for run, question, record in waiting:
            alias = record.answered_by or question.run.models[0]
            record.key = question.key(self._routes[alias])
            record.request = question.body
            for attempt in record.attempts:
                attempt.problem = self._redactor.text(attempt.problem)
            line = json.dumps(record.model_dump()).encode()
            run.end(record, line)
            try:
                self._append(line)
            except LabError as error:
                self.fault = str(error)

    def _append(self, line: bytes) -> None:
        if self._log is None:
            return
        with disk_errors(self._log):
            if self._handle is None:
                self._log.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._handle = os.open(self._log, flags, 0o644)
            os.write(self._handle, line + b"\n")
