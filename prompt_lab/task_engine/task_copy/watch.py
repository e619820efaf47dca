"""Whether anything below a folder may have changed, by the kernel's events (inotify, Linux).

A quiet watch saves the look at every file of a workspace before each attempt. Not every change
makes an event: a write through a mapping of memory, or through a second name of a file outside the
folder, makes none. So the watch decides nothing that lasts: a keep looks at every file.
"""

import ctypes
import os
import sys
import weakref
from collections.abc import Iterator
from errno import EAGAIN
from functools import lru_cache
from pathlib import Path

from prompt_lab.task_engine.paths import ignored

MOST_FOLDERS = 4096
"""Folders that are watched; the kernel holds about 1 KB for each."""
LOCAL = frozenset(("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs"))
"""File systems on which no other machine can make a change without an event here."""
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED, _CREATE, _DELETE, _SELF = (
    0x2, 0x4, 0x8, 0xC0, 0x100, 0x200, 0xC00,
)  # fmt: skip
_ONLY_DIRECTORY, _NO_LINK = 0x01000000, 0x02000000
_MASK = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _SELF
_MASK |= _ONLY_DIRECTORY | _NO_LINK
_EVENTS_BYTES = 1 << 16


class FolderWatch:
    """A watch of a repository's folder, without what is in no copy of it (`paths.IGNORED`)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._owner = 0
        self._watches = False
        self._impossible = sys.platform != "linux"
        self._fd = -1

    def begin(self) -> None:
        """Watch from now on. To be called before the files are looked at. Never fails."""
        self._watches = False
        if self._impossible:
            return
        try:
            self._open()
            self._read_events()
            for folder in self._folders():
                self._add(folder)
        except (FileNotFoundError, NotADirectoryError):
            return  # a folder was removed meanwhile: the next attempt tries again
        except OSError:
            # Too many folders, none left to watch, another file system: not tried again.
            self._impossible = True
            return
        self._watches = True

    def is_quiet(self) -> bool:
        """Whether no event has come since `begin`; False where there is no watch."""
        if not self._watches or self._owner != os.getpid():
            return False
        self._watches = not self._read_events()
        return self._watches

    def _open(self) -> None:
        """The queue of this process: one that was inherited is shared with the parent."""
        if self._owner == os.getpid():
            return
        if not _is_local(self._root):
            raise OSError(f"{self._root}: no file system whose changes are all seen here")
        self._fd = _raise_on_failure(_libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        self._owner = os.getpid()
        weakref.finalize(self, _close, self._fd, self._owner)

    def _add(self, folder: str) -> None:
        _raise_on_failure(_libc().inotify_add_watch(self._fd, os.fsencode(folder), _MASK))

    def _read_events(self) -> bool:
        """Take all events that wait; whether there were any."""
        found = False
        while True:
            try:
                found = bool(os.read(self._fd, _EVENTS_BYTES)) or found
            except OSError as error:
                if error.errno != EAGAIN:
                    raise
                return found

    def _folders(self) -> Iterator[str]:
        """Each folder; those in it are looked up after the caller has begun to watch it.

        Raises OSError where they cannot all be watched.
        """
        device = os.stat(self._root).st_dev
        git = self._root / ".git"
        if git.is_dir():
            # The index and the excludes decide which files belong to a copy.
            yield from (str(path) for path in (git, git / "info") if path.is_dir())
        elif git.exists():
            raise OSError(f"{git}: the index lies elsewhere")
        waiting, count = [""], 0
        while waiting:
            prefix = waiting.pop()
            folder = os.path.join(self._root, prefix)
            if (count := count + 1) > MOST_FOLDERS:
                raise OSError(f"{self._root}: more than {MOST_FOLDERS} folders")
            if os.stat(folder).st_dev != device:
                raise OSError(f"{folder}: another file system")
            yield folder
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = prefix + entry.name
                    if ignored(path):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{path}/")


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _raise_on_failure(value: int) -> int:
    """What a function of libc gave. Raises OSError where that is -1."""
    if value < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return value


def _close(fd: int, owner: int) -> None:
    if owner == os.getpid():
        os.close(fd)


def _is_local(folder: Path) -> bool:
    """Whether a folder lies on a file system of LOCAL, by /proc/self/mountinfo."""
    found = os.stat(folder).st_dev
    device = f"{os.major(found)}:{os.minor(found)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            mount, _, source = line.partition(" - ")
            if mount.split()[2] == device:
                return source.split()[0] in LOCAL
    return False
