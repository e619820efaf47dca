"""At most so many calls of a model at the same time, and at most so many begun a minute."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.gateway.settings import Route


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
        """Wait in the place: whoever else had it would have to wait as well."""
        if not self._gap:
            return
        begin = max(time.monotonic(), self._next)
        self._next = begin + self._gap
        await asyncio.sleep(begin - time.monotonic())
