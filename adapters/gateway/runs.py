"""The tokens that were issued, and the calls that came under each."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime

from adapters.gateway.records import CallRecord, RunId, GatewayUsage


class TokenRun:
    """One token's calls. `open` calls have not ended yet."""

    def __init__(self, ident: RunId) -> None:
        self.id = ident
        self.lines: list[bytes] = []
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
        self.lines.append(line)
        # The texts are in the line: the collector need not walk through them again and again.
        self._calls.append(record.model_copy(update={"request": {}, "answer": ""}))
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
