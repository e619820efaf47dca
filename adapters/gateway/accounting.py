"""The books: each call's record, redacted, in its run and as a line of the log.

They are kept while no client waits: a call's record is written a moment after its client has the
answer, or when someone asks for it.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from adapters.gateway.recordings import RecordedRequest
from adapters.gateway.records import CallRecord, GatewayUsage, RunId
from adapters.gateway.settings import Route
from prompt_lab.errors import LabError
from prompt_lab.redact import Redactor
from prompt_lab.store.files import disk_errors

MOST_KEPT_BYTES = 64 * 2**20
"""Of the records of one run's calls: beyond it they are kept without the texts, but for the log."""
SHOWN = 600
"""Characters of a problem, shortened once no key is in it any more."""


class TokenRun:
    """One token's calls. `open` calls have not ended yet."""

    def __init__(self, ident: RunId) -> None:
        self.id = ident
        self.lines: list[bytes] = []
        self._kept_bytes = 0
        self._calls: list[CallRecord] = []
        self.open = 0
        self._begun = 0
        self._turns: Counter[str] = Counter()

    def begin(self) -> int:
        """A call begins: its number in the run."""
        self._begun += 1
        self.open += 1
        return self._begun - 1

    def turn(self, key: str) -> int:
        """How many calls of this key there were before."""
        self._turns[key] += 1
        return self._turns[key] - 1

    def end(self, record: CallRecord, line: bytes) -> None:
        """A call has ended, however it ended. `line` is its record as JSON."""
        # The texts are in the line: the collector need not walk through them again and again.
        bare = record.model_copy(update={"request": {}, "answer": ""})
        self._calls.append(bare)
        if self._kept_bytes + len(line) > MOST_KEPT_BYTES:
            line = bare.model_dump_json().encode()
        self._kept_bytes += len(line)
        self.lines.append(line)
        self.open -= 1

    def usage(self) -> GatewayUsage:
        """The sum of the calls that have ended."""
        return GatewayUsage.sum_calls(self._calls, self.open)

    async def wait_until_settled(self, seconds: float) -> None:
        """Wait until no call is open: a client may have its answer before the call is written."""
        limit = time.monotonic() + seconds
        while self.open and time.monotonic() < limit:
            await asyncio.sleep(0.005)


def stamp_of(now: float) -> str:
    """A time as records have it: UTC, to the millisecond."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")


class ProviderQueue:
    """The places of one model, for all its clients together; first come, first served."""

    def __init__(self, route: Route) -> None:
        self._places = asyncio.Semaphore(route.config.workers)
        self._gap = 60 / route.per_minute if route.per_minute else 0.0
        self._next = 0.0
        self._busy: Counter[str] = Counter({base: 0 for base in route.bases})

    @asynccontextmanager
    async def place(self) -> AsyncIterator[str]:
        """A place to call from, while the block lasts; gives the address that is least busy."""
        async with self._places:
            await self._pace()
            base = min(self._busy, key=self._busy.__getitem__)
            self._busy[base] += 1
            try:
                yield base
            finally:
                self._busy[base] -= 1

    async def _pace(self) -> None:
        """Wait in the place: any other call would have to wait as well."""
        if not self._gap:
            return
        begin = max(time.monotonic(), self._next)
        self._next = begin + self._gap
        await asyncio.sleep(begin - time.monotonic())


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
                attempt.problem = self._redactor.text(attempt.problem)[:SHOWN]
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
