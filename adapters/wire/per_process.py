"""A value that each process makes for itself: connections and locks must not cross a fork."""

import os
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Made on first use, once for each process, however many threads ask at the same time."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}
        self._locks: dict[int, Lock] = {}

    def get(self) -> T:
        """The value of this process; what `make` raises is raised; the next call tries again."""
        pid = os.getpid()
        if pid not in self._made:
            # A lock for each process: the parent's may have been held when it forked.
            with self._locks.setdefault(pid, Lock()):
                if pid not in self._made:
                    self._made = {pid: self._make()}
        return self._made[pid]

    def take(self) -> T | None:
        """The value of this process, given up: the next get() makes another. None if unmade."""
        return self._made.pop(os.getpid(), None)
