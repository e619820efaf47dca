"""Which files were read here: by the audit events of Python's own calls that open files.

What a process that is started reads, or a C library, raises no event: see `FileReads.complete`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STARTS = frozenset(
    ("subprocess.Popen", "os.posix_spawn", "os.system", "os.exec", "os.spawn", "os.fork")
)
_SYSTEM = (
    *("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/proc", "/run", "/sbin"),
    *("/sys", "/usr", "/var/lib", "/Library", "/System", "/private/etc"),
)
_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
"""The folder that holds `sandbox` and `step`: tracebacks read the sources of both."""


class FileReads:
    """The files that this process opened to read. A fork goes on with a copy of its own."""

    def __init__(self, known: Iterable[str], scratch: str) -> None:
        """`known` are files and folders that are evidence in another way: step file, worktree.

        `scratch` is the worker's own folder: what is mounted in it is not its own.
        """
        paths = sysconfig.get_paths().values()
        prefixes = (sys.prefix, sys.base_prefix, sys.exec_prefix, *paths)
        ours = (os.path.join(_OURS, "sandbox"), os.path.join(_OURS, "step"))
        self._known = [_real(path) for path in (*_SYSTEM, *prefixes, *ours, *known) if path]
        self._scratch, self._device = _real(scratch), os.stat(scratch).st_dev
        self._opened: dict[str, None] = {}
        self._outside: dict[str, str] = {}
        self._made: set[str] = set()
        self._quiet = False
        self.complete = True
        """Whether no process was started, whose reads cannot be seen."""

    def watch(self) -> None:
        """Note every open from now on."""
        sys.addaudithook(self._note_event)

    def settle(self) -> None:
        """Work out what was read so far, so that no plan has to."""
        self.outside()
        self._opened.clear()

    def begin_plan(self) -> None:
        """Forget whether processes were started: imports of the target may start some."""
        self.complete = True

    def inside(self, folder: str) -> list[str]:
        """Paths of what was opened in a folder, relative to it."""
        root = _real(folder) + os.sep
        real = (_real(path) for path in self._opened)
        return sorted({path[len(root) :] for path in real if path.startswith(root)})

    def outside(self, folders: Iterable[str] = ()) -> dict[str, str]:
        """path -> sha256 of the files that lie neither in `folders` nor in what is known.

        Files that this process wrote itself, and all in folders that it made, are left out.
        """
        roots = [*self._known, *map(_real, folders), *self._made]
        self._quiet = True
        for path in {_real(path) for path in self._opened}:
            if path in self._outside or any(_is_in(path, root) for root in roots):
                continue
            if not self._is_scratch(path):
                found = _sha256(path)
                if found:
                    self._outside[path] = found
        self._quiet = False
        return dict(self._outside)

    def _is_scratch(self, path: str) -> bool:
        try:
            return _is_in(path, self._scratch) and os.stat(path).st_dev == self._device
        except OSError:
            return True

    def _note_event(self, event: str, args: tuple[Any, ...]) -> None:
        if self._quiet:
            return
        if event == "open":
            flags = args[2] if isinstance(args[2], int) else 0
            self._note(args[0], writes=bool(flags & _WRITES))
        elif event == "sqlite3.connect":
            self._note(args[0], writes=not os.path.exists(args[0]))
        elif event == "os.mkdir":
            self._note(args[0], writes=True)
        elif event in _STARTS:
            self.complete = False

    def _note(self, path: object, *, writes: bool) -> None:
        if isinstance(path, (str, bytes, os.PathLike)):
            full = os.path.abspath(os.fsdecode(path))
            if not writes:
                self._opened[full] = None
            elif not os.path.exists(full):
                self._made.add(_real(full))


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _real(path: str) -> str:
    return os.path.realpath(path)


def _sha256(path: str) -> str:
    """'' for what is no regular file."""
    try:
        if not os.path.isfile(path):
            return ""
        found = hashlib.sha256()
        with open(path, "rb") as file:
            for data in iter(lambda: file.read(1 << 20), b""):
                found.update(data)
    except OSError:
        return ""
    return found.hexdigest()
