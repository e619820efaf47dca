"""The folders of one plan in its worker: inputs as they came, and what the step writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

MOST_DEEP = 64
NEVER_READ = 0.0
"""Time of the last access that a file of a message begins with, in seconds since 1970."""


class PlanFolders:
    """Below `root`: `plan/<name>`, and `out`. All of it is gone with `remove`."""

    def __init__(self, root: str, number: int, name: str) -> None:
        self._root = os.path.join(root, str(number))
        self.plan_dir = os.path.join(self._root, "plan", os.path.basename(name) or "plan")
        self.out_dir = os.path.join(self._root, "out")
        self._inputs: list[str] = []
        for folder in (self.plan_dir, self.out_dir):
            os.makedirs(folder, exist_ok=True)
        self._keeps_access_times = _probe(self._root)

    def place(self, path: str) -> str:
        """Where a file of the message goes: 'plan/…' or 'out/…'."""
        kind, _, rest = path.partition("/")
        if kind == "plan":
            self._inputs.append(rest)
        return os.path.join(self.plan_dir if kind == "plan" else self.out_dir, rest)

    def files_read(self) -> list[str]:
        """Inputs that were read since they came, by any process; gone or moved counts as read."""
        return [
            name for name in self._inputs
            if not self._keeps_access_times or _was_read(os.path.join(self.plan_dir, name))
        ]  # fmt: skip

    def outputs(self) -> list[tuple[str, str]]:
        """(path in `out`, file) of all regular files there, and of links that lead to one."""
        return sorted(_files(self.out_dir))

    def remove(self) -> None:
        """Take it all away, however deep a step has nested it."""
        remove_tree(self._root)


def remove_tree(root: str) -> None:
    """Remove a folder with all below it: a deep one is lifted up, not entered."""
    count = 0
    tried = set()
    waiting = [root]
    while waiting:
        folder = waiting[-1]
        with suppress(OSError):
            os.chmod(folder, 0o700)
        deeper = []
        try:
            entries = list(os.scandir(folder))
        except OSError:
            waiting.pop()
            continue
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    os.unlink(entry.path)
            elif folder == root:
                if entry.path not in tried:  # else it cannot be removed
                    tried.add(entry.path)
                    deeper.append(entry.path)
            else:
                count += 1
                lifted = os.path.join(root, f".{count}")
                with suppress(OSError):
                    os.chmod(entry.path, 0o700)
                    os.rename(entry.path, lifted)
                    waiting.insert(1, lifted)
        if deeper:
            waiting += deeper
            continue
        waiting.pop()
        with suppress(OSError):
            os.rmdir(folder)


def _files(root: str) -> Iterator[tuple[str, str]]:
    if os.path.islink(root):  # a step has put it in the place of its folder
        return
    waiting = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        try:
            entries = list(os.scandir(os.path.join(root, below)))
        except OSError:
            continue
        for entry in entries:
            path = os.path.join(below, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if depth < MOST_DEEP:
                    waiting.append((path, depth + 1))
                continue
            with suppress(OSError):
                path.encode("utf-8")
                if stat.S_ISREG(os.stat(entry.path).st_mode):
                    yield path, entry.path


def _was_read(path: str) -> bool:
    try:
        return os.lstat(path).st_atime != NEVER_READ
    except OSError:
        return True


def _probe(folder: str) -> bool:
    """Whether this file system keeps times of access."""
    path = os.path.join(folder, "probe")
    with open(path, "w", encoding="utf-8") as file:
        file.write("x")
    os.utime(path, (NEVER_READ, os.stat(path).st_mtime))
    with open(path, encoding="utf-8") as file:
        file.read()
    kept = os.stat(path).st_atime != NEVER_READ
    os.unlink(path)
    return kept
