"""What a process printed, of which the beginning and the end are kept; and what it wrote."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

KEPT = 32 << 10
"""Bytes that are kept from the beginning, and again from the end."""


class CapturedOutput:
    """The bytes of one pipe. `most` is how many may come; 0: any number."""

    def __init__(self, most: int, kept: int = KEPT) -> None:
        self.count = 0
        self._most, self._kept = most, kept
        self._head, self._tail = bytearray(), b""

    def add(self, data: bytes) -> bool:
        """Take what came; whether it is now more than may come."""
        room = self._kept - len(self._head)
        self._head += data[:room]
        if len(data) > room:
            self._tail = (self._tail + data[room:])[-self._kept :]
        self.count += len(data)
        return self.count > self._most > 0

    def text(self) -> str:
        """The beginning and the end, with a word on what is left out between them."""
        return self.content().decode("utf-8", "replace")

    def content(self) -> bytes:
        """The bytes of `text`."""
        lost = self.count - len(self._head) - len(self._tail)
        gap = f"\n… {lost} bytes left out …\n".encode() if lost else b""
        return bytes(self._head + gap + self._tail)


def size(folder: str) -> int:
    """Bytes of all files below a folder."""
    return sum(count for _, count in _sizes(folder))


def largest(folder: str) -> int:
    """Bytes of the largest file below a folder."""
    return max((count for _, count in _sizes(folder)), default=0)


def growth(changed: str, before: str) -> int:
    """Bytes of all files below a folder, less those of files at the same paths in another one."""
    total = 0
    for path, count in _sizes(changed):
        total += count
        with contextlib.suppress(OSError):
            total -= os.lstat(before + path[len(changed) :]).st_size
    return total


def _sizes(folder: str) -> Iterator[tuple[str, int]]:
    if os.path.islink(folder):  # it leads to files that do not lie in it
        return
    waiting = [folder]  # no recursion: folders may be nested to any depth
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.path, entry.stat(follow_symlinks=False).st_size
        except OSError:  # it is gone, or its path is too long
            continue
