"""A control group of a command's own: the kernel's bound on its memory and its processes.

Version 2 is used where its controllers are delegated to us, version 1 where its hierarchy can be
written, as root can. A group that is not ours is never changed. A command cannot leave its group:
it sees no control groups, and can neither mount them nor make namespaces.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from adapters.sandbox.policy import ProcessLimits

MOUNT = Path("/sys/fs/cgroup")
MEGABYTE = 1 << 20
PREFIX = "prompt-lab-"
_UNIFIED = ("", "unified")
_OVERRUNS = (
    ("memory.events", "oom_kill", "memory"),
    ("memory.oom_control", "oom_kill", "memory"),
    ("pids.events", "max", "processes"),
)
"""File of a group, its word for what was refused, the limit that was met."""


class ControlGroup:
    """The folders of one command; `bounded` is what the kernel bounds: 'memory', 'processes'."""

    def __init__(
        self, folders: tuple[Path, ...] = (), bounded: frozenset[str] = frozenset()
    ) -> None:
        self.folders, self.bounded = folders, bounded

    def overrun(self) -> str:
        """The limit that was met so far: 'memory', 'processes', or ''."""
        for folder in self.folders:
            for name, word, reason in _OVERRUNS:
                if reason in self.bounded and _count(folder / name, word):
                    return reason
        return ""

    def close(self) -> None:
        """Remove the folders; all processes have ended."""
        for folder in self.folders:
            _remove(folder)


def make_control_group(pid: int, limits: ProcessLimits, spared: int) -> ControlGroup:
    """Bound a process that has not begun to work. `spared`: processes beyond the limit.

    A group that bounds nothing where none can be made.
    """
    found: dict[str, Path] = {}
    for parent, kinds in _parents():
        missing = [kind for kind in kinds if kind not in found]
        if missing and (group := _make(parent, missing, pid, limits, spared)):
            found |= dict.fromkeys(missing, group)
    return ControlGroup(tuple(dict.fromkeys(found.values())), frozenset(found))


@lru_cache(maxsize=1)
def _parents() -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """(group to make ours in, what it may bound); what killed processes left there is removed."""
    found = tuple(_find_parents())
    for parent, _ in found:
        with suppress(OSError, ValueError):
            for group in parent.glob(f"{PREFIX}[0-9]*-*"):
                if not Path("/proc", group.name.split("-")[2]).exists():
                    _remove(group)
    return found


def _find_parents() -> Iterator[tuple[Path, tuple[str, ...]]]:
    with suppress(OSError, ValueError):
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        for _, controllers, path in lines:
            if controllers:
                place, kinds = MOUNT / controllers / path.lstrip("/"), ("pids", "memory")
                names = {"pids": "processes", "memory": "memory"}
                bounds = tuple(names[k] for k in kinds if k in controllers.split(","))
                if bounds and place.is_dir():
                    yield place, bounds
                continue
            for mount in (MOUNT / name for name in _UNIFIED):
                own = mount / path.lstrip("/")
                for parent in (own, own.parent):
                    if (parent / "cgroup.controllers").is_file():
                        yield parent, ("processes", "memory")


def _make(
    parent: Path, kinds: list[str], pid: int, limits: ProcessLimits, spared: int
) -> Path | None:
    """A group that bounds all of `kinds` and holds the process, or None."""
    group = parent / f"{PREFIX}{os.getpid()}-{uuid4().hex[:8]}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        if "processes" in kinds:
            (group / "pids.max").write_text(str(limits.processes + spared))
        if "memory" in kinds and limits.memory_mb:
            _bound_memory(group, limits.memory_mb * MEGABYTE)
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        _remove(group)
        return None
    return group


def _bound_memory(group: Path, most: int) -> None:
    if (group / "memory.limit_in_bytes").exists():
        names = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    else:
        names = ("memory.max", "memory.swap.max")
    (group / names[0]).write_text(str(most))
    with suppress(OSError):  # swap is not accounted for everywhere
        (group / names[1]).write_text("0" if names[1].endswith("max") else str(most))


def _count(file: Path, word: str) -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in file.read_text("utf-8").splitlines():
            if line.startswith(f"{word} "):
                return int(line.split()[1])
    return 0


def _remove(group: Path) -> None:
    with suppress(OSError):
        group.rmdir()
