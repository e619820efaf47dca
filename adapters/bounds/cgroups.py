"""Bounds of one plan or command: rlimits, which bind root too, and cgroups.

RLIMIT_NPROC is not among them: it counts all processes of the user on the machine, and does not
bind root. Where no cgroup can be made, processes are counted by looking.
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


class Group:
    """A group of its own for one plan or command, in each hierarchy that bounds something."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders

    def enter(self, pid: int = 0) -> None:
        """Put a process into it; 0: this one."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(pid))

    def bound(self, processes: int, memory_mb: int) -> None:
        """Other bounds from now on. Raises OSError."""
        for folder in self._folders:
            if (folder / "pids.max").exists():
                (folder / "pids.max").write_text(str(processes))
            if any(folder.glob("memory.*")) and memory_mb:
                _bound_memory(folder, memory_mb * MEGABYTE)

    def counts(self) -> tuple[int, int]:
        """(forks refused, processes ended for want of memory) so far."""
        refused = oom = 0
        for folder in self._folders:
            refused += _count(folder / "pids.events", "max")
            oom += _count(folder / "memory.oom_control", "oom_kill")
            oom += _count(folder / "memory.events", "oom_kill")
        return refused, oom

    def step_out(self) -> None:
        """Put this process back into the group that ours were made in."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                (folder.parent.parent / "cgroup.procs").write_text("0")

    def leave(self) -> tuple[int, int]:
        """Remove it once its processes have ended; its counts."""
        counts = self.counts()
        for folder in self._folders:
            _remove(folder)
        return counts


class ResourceLimits:
    """A folder of cgroups of our own, one below it for each plan; `kind` is '' where none can be.

    Only what can be made without changing a group of someone else is used: version 2 where the
    controllers have been handed down to us, or version 1 where a hierarchy is writable. `memory`
    says whether memory can be bounded too. `mark` distinguishes the groups of one process.
    """

    def __init__(self, wanted: bool = True, mark: str = "own") -> None:
        self.kind, self.memory = "", False
        self._folders: dict[str, Path] = {}
        for controller, file in (("pids", "pids.max"), ("memory", "memory.")) if wanted else ():
            for kind, parent in _parents(controller):
                folder = parent / f"prompt-lab-{mark}-{os.getpid()}"
                if folder in self._folders.values() or _make_group(folder, file):
                    self._folders[controller] = folder
                    self.kind = kind if controller == "pids" else self.kind
                    break
        self.memory = "memory" in self._folders

    def make(self, name: str, processes: int, memory_mb: int = 0) -> Group | None:
        """A group that holds at most so many tasks and so much memory (0: any), or None."""
        folders: list[Path] = []
        try:
            for controller, parent in self._folders.items():
                if controller == "memory" and not memory_mb:
                    continue
                group = parent / name
                group.mkdir(exist_ok=group in folders)
                folders.append(group)
                if controller == "pids":
                    (group / "pids.max").write_text(str(processes))
                else:
                    _bound_memory(group, memory_mb * MEGABYTE)
        except OSError:
            for group in folders:
                _remove(group)
            return None
        return Group(folders) if folders else None

    def close(self) -> None:
        """Remove the folders; a group whose processes took their time to end is still in it."""
        for folder in self._folders.values():
            for _ in range(20):
                _remove_all(folder)
                if not folder.exists():
                    break
                time.sleep(0.05)


def _make_group(folder: Path, file: str) -> bool:
    """Make a folder of groups; False where it cannot be made or bounds nothing."""
    _remove_stale_groups(folder.parent)
    try:
        folder.mkdir()
    except OSError:
        return False
    with contextlib.suppress(OSError):
        if any(name.startswith(file) for name in os.listdir(folder)):
            handed_down = folder / "cgroup.subtree_control"
            if handed_down.exists():  # version 2: the groups below get nothing by themselves
                handed_down.write_text("+pids +memory")
            return True
    _remove(folder)
    return False


def _bound_memory(group: Path, most: int) -> None:
    if (group / "memory.max").exists():
        (group / "memory.max").write_text(str(most))
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
        return
    with_swap = group / "memory.memsw.limit_in_bytes"
    with contextlib.suppress(OSError):
        with_swap.write_text(str(most))  # first where it rises: it is never below the other one
    (group / "memory.limit_in_bytes").write_text(str(most))
    with contextlib.suppress(OSError):
        with_swap.write_text(str(most))


def _count(file: Path, word: str) -> int:
    """The number behind a word in one of a group's files; 0 where there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in file.read_text().splitlines():
            if line.startswith(word + " "):
                return int(line.split()[1])
    return 0


def _parents(controller: str) -> list[tuple[str, Path]]:
    """(kind, group that this process is in) for each hierarchy that may have the controller."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                for mount in (MOUNT, MOUNT / "unified"):
                    if (mount / "cgroup.controllers").is_file():
                        found.append(("cgroup v2", mount / path.lstrip("/")))
            elif controller in controllers.split(","):
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


def _remove_stale_groups(parent: Path) -> None:
    """Remove what workers left that were killed."""
    with contextlib.suppress(OSError, ValueError):
        for folder in parent.glob("prompt-lab-*"):
            if not Path("/proc", folder.name.rpartition("-")[2]).exists():
                _remove_all(folder)


def _remove_all(folder: Path) -> None:
    for group in folder.glob("*-*"):
        _remove(group)
    _remove(folder)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
