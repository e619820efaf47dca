"""Bounds of one plan: rlimits, which bind root too, and a cgroup for the count of processes.

RLIMIT_NPROC is not among them: it counts all processes of the user on the machine, and does not
bind root. Where no cgroup can be made, processes are counted by looking (`loop.py`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
MEGABYTE = 1 << 20


def set_rlimits(memory_mb: int, file_mb: int) -> None:
    """Bound this process and what it starts: address space beyond what it has, size of a file."""
    _lower(resource.RLIMIT_CORE, 0)
    if file_mb:
        _lower(resource.RLIMIT_FSIZE, file_mb * MEGABYTE)
    if memory_mb:
        _lower(resource.RLIMIT_AS, memory_mb * MEGABYTE + _address_space())


class Cage:
    """A folder of cgroups of our own, one below it for each plan; `kind` is '' where none can be.

    Only what can be made without changing a group of someone else is used: version 2 where the
    controller `pids` has been handed down to us, or version 1 where its hierarchy is writable.
    """

    def __init__(self, wanted: bool = True) -> None:
        self.kind, self._folder = "", Path()
        for kind, parent in _parents() if wanted else []:
            folder = parent / f"prompt-lab-{os.getpid()}"
            _sweep(parent)
            try:
                folder.mkdir()
            except OSError:
                continue
            if (folder / "pids.max").is_file():
                self.kind, self._folder = kind, folder
                return
            _remove(folder)

    def make(self, name: str, processes: int) -> Path | None:
        """A group that holds at most so many tasks, or None."""
        if not self.kind:
            return None
        group = self._folder / name
        try:
            group.mkdir()
            (group / "pids.max").write_text(str(processes))
        except OSError:
            _remove(group)
            return None
        return group

    def close(self) -> None:
        """Remove the folder; a group whose processes took their time to end is still in it."""
        for _ in range(20 if self.kind else 0):
            _remove_all(self._folder)
            if not self._folder.exists():
                return
            time.sleep(0.05)


def enter(group: Path) -> None:
    """Put this process into a group."""
    with contextlib.suppress(OSError):
        (group / "cgroup.procs").write_text("0")


def leave(group: Path) -> int:
    """Remove a group whose processes have ended; how many forks it had refused."""
    refused = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (group / "pids.events").read_text().splitlines():
            if line.startswith("max "):
                refused = int(line.split()[1])
    _remove(group)
    return refused


def _parents() -> list[tuple[str, Path]]:
    """(kind, group that this process is in) for each hierarchy that may have `pids`."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                for mount in (MOUNT, MOUNT / "unified"):
                    if (mount / "cgroup.controllers").is_file():
                        found.append(("cgroup v2", mount / path.lstrip("/")))
            elif "pids" in controllers.split(","):
                found.append(("cgroup v1", MOUNT / controllers / path.lstrip("/")))
    return found


def _lower(which: int, value: int) -> None:
    """Set a soft and hard limit, never above the hard limit that holds."""
    hard = resource.getrlimit(which)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (bound, bound))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize()


def _sweep(parent: Path) -> None:
    """Remove what workers left that were killed."""
    with contextlib.suppress(OSError, ValueError):
        for folder in parent.glob("prompt-lab-*"):
            if not Path("/proc", folder.name.rpartition("-")[2]).exists():
                _remove_all(folder)


def _remove_all(folder: Path) -> None:
    for group in folder.glob("plan-*"):
        _remove(group)
    _remove(folder)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
