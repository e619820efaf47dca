"""Files that one process reads again and again: each is parsed once while it is unchanged."""

import os
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
FileStamp = tuple[int, int, int, int]
SETTLED_NS = 50_000_000
"""A file that changed less than so long ago may change again without a new time of change."""
PATIENCE = 4


def stamp_file(path: str) -> FileStamp | None:
    """What differs once a file was written again; None where there is none to be read."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


@dataclass
class _CachedValue(Generic[T]):
    stamps: tuple[FileStamp | None, ...]
    value: T
    size: int
    used: bool = True


class FileCache(Generic[T]):
    """Values by key, each read from files and kept while those are unchanged.

    At most `most_bytes` of files are kept. A full cache takes nothing new, so that each pass over
    more than that finds a part of it; what is not asked for while PATIENCE times as much is read is
    dropped. Values are shared: they must be immutable.
    """

    def __init__(self, most_bytes: int, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._most, self._bytes, self._now_ns = most_bytes, 0, now_ns
        self._refused = 0
        self._values: dict[Hashable, _CachedValue[T]] = {}

    def get(self, key: Hashable, paths: Sequence[str], read: Callable[[], T]) -> T:
        """The value that `read` makes of the files at `paths`, some of which may be missing.

        Raises what `read` raises, and then keeps nothing.
        """
        stamps = tuple(map(stamp_file, paths))
        known = self._values.get(key)
        if known is not None and known.stamps == stamps:
            known.used = True
            return known.value
        value = read()
        latest = max((max(one[:2]) for one in stamps if one), default=0)
        if latest < self._now_ns() - SETTLED_NS:
            self._keep(key, _CachedValue(stamps, value, sum(one[2] for one in stamps if one)))
        return value

    def _keep(self, key: Hashable, found: _CachedValue[T]) -> None:
        if key in self._values:
            self._bytes -= self._values.pop(key).size
        if self._bytes + found.size > self._most:
            self._refused += found.size
            if self._refused > PATIENCE * self._most:
                self._drop_unused()
            return
        self._values[key] = found
        self._bytes += found.size

    def _drop_unused(self) -> None:
        self._values = {key: value for key, value in self._values.items() if value.used}
        for value in self._values.values():
            value.used = False
        self._bytes = sum(value.size for value in self._values.values())
        self._refused = 0
