"""Processes as a tree: who descends from whom, and how all of them are ended at once."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from functools import lru_cache
from pathlib import Path

_PDEATHSIG, _DUMPABLE, _SUBREAPER = 1, 4, 36
LISTED = Path("/proc/self/task").is_dir()
"""Whether this system can say who descends from whom; elsewhere process groups must do."""


def adopt_orphans() -> bool:
    """Make this process the parent of every descendant whose own parent ends (Linux)."""
    return _prctl(_SUBREAPER, 1)


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may open what this one holds open (Linux)."""
    _prctl(_DUMPABLE, int(dumpable))


def die_with_parent(parent: int) -> None:
    """End this process when its parent ends, however that one ends (Linux)."""
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def children(pid: int) -> list[int]:
    """The living children and zombies of a process.

    Looked up twice: the kernel may leave one out of its list while another of them ends.
    """
    found: dict[int, None] = {}
    for _ in range(2):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    found.update(dict.fromkeys(map(int, file.read().split())))
    return list(found)


def descendants(pid: int, most: int = 1 << 30) -> list[int]:
    """Children, their children, and so on, in other sessions too; at least `most`, if so many."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < most:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def kill_tree(root: int) -> set[int]:
    """End a process with all that descends from it; which others were alive.

    All are stopped before any is killed: what is stopped starts nothing new, and what is not yet
    killed still shows its children.
    """
    _send(root, signal.SIGSTOP)
    held: set[int] = set()
    for _ in range(100):
        fresh = set(descendants(root)) - held
        if not fresh:
            break
        for pid in fresh:
            _send(pid, signal.SIGSTOP)
        held |= fresh
    alive = {pid for pid in held if is_running(pid)}
    for pid in held:
        _send(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.killpg(root, signal.SIGKILL)
    _send(root, signal.SIGKILL)
    return alive


def is_running(pid: int) -> bool:
    """Whether a process does anything still: a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return False


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(_libc().prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    """Loaded once: a process that has just been forked finds it there."""
    return ctypes.CDLL(None)
