"""Threads for model calls: so many at a time, and others take over while a call waits to retry."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")
MOST_WAITING = 256
"""Calls of a pool that may wait for their retry beside those in flight: each needs a thread."""
_thread = threading.local()


def pause_call(seconds: float) -> None:
    """Sleep before a retry. In a thread of a CallPool its place is free for another call then."""
    pool: CallPool[Any] | None = getattr(_thread, "pool", None)
    if pool is None:
        time.sleep(seconds)
    else:
        pool.pause(seconds)


class _Work(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self.call, self.future = call, Future[T]()

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.call()
        except BaseException as error:  # the future raises it
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class CallPool(Generic[T]):
    """Does work in the order in which it was submitted, at most `places` pieces at a time.

    A piece that calls `pause_call` leaves its place for that time, and is before all others when it
    returns. Threads are started as they are needed. `pause` is the sleep itself.
    """

    def __init__(self, places: int, name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._name, self._pause = name, pause
        self._places = self._free = places
        self._waiting: deque[_Work[T]] = deque()
        self._threads = self._idle = self._paused = self._returning = 0
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a piece of work."""
        work = _Work(call)
        with self._changed:
            self._waiting.append(work)
            self._start_thread()
            self._changed.notify_all()
        return work.future

    def close(self) -> None:
        """Drop what waits. What has begun is completed, also after the end of the program."""
        with self._changed:
            for work in self._waiting:
                work.future.cancel()
            self._waiting.clear()
            self._closed = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Sleep without a place; with it where MOST_WAITING are asleep already."""
        with self._changed:
            leaves = self._paused + self._returning < MOST_WAITING
            if leaves:
                self._paused += 1
                self._free += 1
                self._start_thread()
                self._changed.notify_all()
        try:
            self._pause(seconds)
        finally:
            if leaves:
                self._return()

    def _return(self) -> None:
        with self._changed:
            self._paused -= 1
            self._returning += 1
            self._changed.wait_for(lambda: self._free > 0)
            self._returning -= 1
            self._free -= 1

    def _start_thread(self) -> None:
        """One more thread, if work would wait for it alone."""
        most = self._places + self._paused + self._returning
        if len(self._waiting) > self._idle and self._threads < most:
            self._threads += 1
            threading.Thread(target=self._run, name=f"{self._name}-{self._threads}").start()

    def _run(self) -> None:
        _thread.pool = self
        while (work := self._take()) is not None:
            work.run()
            del work  # its result is kept no longer than by who waits for it
            with self._changed:
                self._free += 1
                if self._returning or self._idle:
                    self._changed.notify_all()

    def _take(self) -> _Work[T] | None:
        """The next piece, once a place is free that no returning call needs; None at the end."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._closed or self._may_begin())
            self._idle -= 1
            if not self._may_begin():
                self._threads -= 1
                return None
            self._free -= 1
            return self._waiting.popleft()

    def _may_begin(self) -> bool:
        return bool(self._waiting) and self._free > self._returning
