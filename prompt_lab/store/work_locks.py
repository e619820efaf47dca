"""Locks on numbered pieces of work, which end with the process that holds them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EAGAIN, ENOLCK, ENOSYS, ENOTSUP
from pathlib import Path
from threading import Lock
from time import sleep

from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab

POLL_SECONDS = 0.1
"""How often a piece of work that another process holds is asked for again."""
_HELD_ELSEWHERE = (EACCES, EAGAIN)
_NO_LOCKS = (ENOLCK, ENOSYS, ENOTSUP)
_files: dict[tuple[int, Path], int] = {}
_opening = Lock()


class WorkLocks:
    """One byte of a file for each piece of work, locked with fcntl, also over NFS.

    Locks belong to the process: two threads of one process both get the same piece. The file stays
    open until the process ends, since closing any handle of it would drop all of them; a fork has
    none of its parent's locks. On a file system without locks every piece counts as free.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self._path = lab.work / ".locks" / name

    @contextmanager
    def try_to_hold(self, piece: int) -> Iterator[bool]:
        """Whether this process holds the piece until the block ends. Raises StoreError."""
        handle = self._handle()
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, piece)
        except OSError as error:
            if error.errno not in (*_HELD_ELSEWHERE, *_NO_LOCKS):
                raise
            yield error.errno in _NO_LOCKS
            return
        try:
            yield True
        finally:
            fcntl.lockf(handle, fcntl.LOCK_UN, 1, piece)

    @contextmanager
    def hold(self, piece: int) -> Iterator[bool]:
        """Wait until no other process holds the piece, then hold it until the block ends.

        It polls: the kernel takes two processes of many threads that wait for each other's pieces
        for a deadlock.
        """
        while True:
            with self.try_to_hold(piece) as held:
                if held:
                    yield True
                    return
            sleep(POLL_SECONDS)

    def _handle(self) -> int:
        key = (os.getpid(), self._path.absolute())
        with _opening:
            if key not in _files:
                with disk_errors(self._path):
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    _files[key] = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            return _files[key]
