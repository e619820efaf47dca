"""A JSONL file whose rows survive a power cut: many writers, one fsync for a group of rows."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Protocol, Self

from prompt_lab.errors import StoreError
from prompt_lab.store.files import disk_errors

GROUP_SECONDS = 0.03
"""How long the first row of a group waits for others; with its fsync less than 50 ms."""
Reported = Callable[[], None]


class JournalDisk(Protocol):
    """What a journal needs of the operating system."""

    def open(self, path: Path) -> int:
        """A handle that reads and appends; the file is made where it is missing."""

    def ends_whole(self, handle: int) -> bool:
        """Whether the file is empty, or ends with the end of a line."""

    def write(self, handle: int, data: bytes) -> None:
        """Append all of it."""

    def sync(self, handle: int) -> None:
        """Return when the disk has what was written."""

    def sync_folder(self, folder: Path) -> None:
        """Return when the disk has the folder's entries."""

    def close(self, handle: int) -> None:
        """Close the handle."""


class OsJournalDisk:
    """The JournalDisk of this machine."""

    def open(self, path: Path) -> int:
        """See JournalDisk."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)

    def ends_whole(self, handle: int) -> bool:
        """See JournalDisk."""
        size = os.fstat(handle).st_size
        return not size or os.pread(handle, 1, size - 1) == b"\n"

    def write(self, handle: int, data: bytes) -> None:
        """See JournalDisk."""
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]

    def sync(self, handle: int) -> None:
        """See JournalDisk."""
        os.fsync(handle)

    def sync_folder(self, folder: Path) -> None:
        """See JournalDisk. Some systems cannot open a folder: there it is left to them."""
        try:
            handle = os.open(folder, os.O_RDONLY)
        except OSError:
            return
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def close(self, handle: int) -> None:
        """See JournalDisk."""
        os.close(handle)


class RowJournal:
    """Appends rows from many threads; `reported` of a row is called once the disk has it.

    One thread writes all rows that came within GROUP_SECONDS together, and calls fsync once. Use it
    as a context; its end waits for the last group. Raises StoreError where the disk refuses.
    """

    def __init__(
        self, path: Path, disk: JournalDisk | None = None, group_seconds: float = GROUP_SECONDS
    ) -> None:
        self._path, self._disk, self._seconds = path, disk or OsJournalDisk(), group_seconds
        self._waiting: list[tuple[bytes, Reported]] = []
        self._changed = Condition()
        self._closing = False
        self._error: BaseException | None = None
        self._handle = -1
        self._thread = Thread(target=self._write_groups, name="journal", daemon=True)

    def __enter__(self) -> Self:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._disk.open(self._path)
            if not self._disk.ends_whole(self._handle):  # a killed writer left half a row
                self._disk.write(self._handle, b"\n")
            self._disk.sync_folder(self._path.parent)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._disk.close(self._handle)
        if kind is None:
            self._raise_error()

    def append(self, row: Mapping[str, Any], reported: Reported) -> None:
        """Queue a row. Returns at once. Raises StoreError where an earlier group was refused."""
        self._raise_error()
        # Half a surrogate pair, which UTF-8 cannot hold, becomes the escape that JSON has for it.
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        with self._changed:
            self._waiting.append((line, reported))
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def _raise_error(self) -> None:
        if isinstance(self._error, OSError):
            with disk_errors(self._path):
                raise self._error
        if self._error is not None:
            raise StoreError(f"{self._path}: {self._error}") from self._error

    def _write_groups(self) -> None:
        try:
            while group := self._next_group():
                self._disk.write(self._handle, b"".join(line for line, _ in group))
                self._disk.sync(self._handle)
                for _, reported in group:
                    reported()
        except BaseException as error:
            self._error = error

    def _next_group(self) -> list[tuple[bytes, Reported]]:
        """The rows that wait, once the first of them has waited long enough; [] at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(lambda: self._closing, timeout=self._seconds)
            group, self._waiting = self._waiting, []
            return group
