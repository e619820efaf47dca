"""A control group of a command's own: the kernel's bound on its memory and its processes.

Version 2 is used where its controllers are delegated to us, version 1 where its hierarchy can be
written, as root can. A group that is not ours is never changed. A command cannot leave its group:
it sees no control groups, and can neither mount them nor make namespaces.
"""

import atexit
import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
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
        self,
        kinds: Mapping[Path, "_GroupKind"] | None = None,
        bounded: frozenset[str] = frozenset(),
    ) -> None:
        """`kinds`: by folder, what it may be used for again."""
        self._kinds = dict(kinds or {})
        self.folders, self.bounded = tuple(self._kinds), bounded

    def overrun(self) -> str:
        """The limit that was met so far: 'memory', 'processes', or ''."""
        for folder in self.folders:
            for name, word, reason in _OVERRUNS:
                if reason in self.bounded and _count(folder / name, word):
                    return reason
        return ""

    def close(self, *, keep: bool) -> None:
        """Keep the folders for the next command, or remove them; all processes have ended.

        One that met a limit must not be kept: it counts what it refused as long as it lives.
        """
        for folder in self.folders:
            idle = _idle.setdefault(self._kinds[folder], deque())
            if keep and len(idle) < MOST_IDLE and not _holds_processes(folder):
                idle.append(folder)
            else:
                _remove(folder)


class _GroupKind(NamedTuple):
    """Groups that are equal may be used for one command after another."""

    owner: int
    parent: Path
    bounds: tuple[str, ...]
    processes: int
    memory: int


MOST_IDLE = 8
"""Groups of a kind that are kept: to make one takes longer than all else of a command's limits."""
_idle: dict[_GroupKind, deque[Path]] = {}


@atexit.register
def remove_idle_groups() -> None:
    """Remove the groups that this process keeps. Those of killed ones go with the next process."""
    for kind in [kind for kind in list(_idle) if kind.owner == os.getpid()]:
        for folder in _idle.pop(kind):
            _remove(folder)


def make_control_group(pid: int, limits: ProcessLimits, spared: int) -> ControlGroup:
    """Bound a process that has not begun to work. `spared`: processes beyond the limit.

    A group that bounds nothing where none can be made.
    """
    found: dict[str, Path] = {}
    groups: dict[Path, _GroupKind] = {}
    for parent, kinds in _parents():
        missing = tuple(kind for kind in kinds if kind not in found)
        if not missing:
            continue
        memory = limits.memory_mb * MEGABYTE if "memory" in missing else 0
        kind = _GroupKind(os.getpid(), parent, missing, limits.processes + spared, memory)
        if group := _take(kind, pid):
            found |= dict.fromkeys(missing, group)
            groups[group] = kind
    return ControlGroup(groups, frozenset(found))


def _take(kind: _GroupKind, pid: int) -> Path | None:
    """A group of this kind that now holds the process, or None."""
    idle = _take_idle(kind)
    if idle is not None:
        with suppress(OSError):
            (idle / "cgroup.procs").write_text(str(pid))
            return idle
        _remove(idle)
    return _make(kind, pid)


def _take_idle(kind: _GroupKind) -> Path | None:
    """A kept group that the kernel counts nothing in, now the caller's alone; or None.

    Sandboxes are also built ahead, by another thread: a deque gives each group to one of them.
    """
    kept = _idle.setdefault(kind, deque())
    for _ in range(len(kept)):
        try:
            group = kept.popleft()
        except IndexError:
            return None
        if not is_charged(group):
            return group
        kept.append(group)
    return None


def is_charged(group: Path) -> bool:
    """Whether the kernel still counts processes in it: for some time after their end it does."""
    with suppress(OSError, ValueError):
        return int((group / "pids.current").read_text()) > 0
    return False


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


def _make(kind: _GroupKind, pid: int) -> Path | None:
    """A new group that bounds all of the kind's bounds and holds the process, or None."""
    group = kind.parent / f"{PREFIX}{os.getpid()}-{uuid4().hex[:8]}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        if "processes" in kind.bounds:
            (group / "pids.max").write_text(str(kind.processes))
        if kind.memory:
            _bound_memory(group, kind.memory)
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


def _holds_processes(group: Path) -> bool:
    try:
        return bool((group / "cgroup.procs").read_text().strip())
    except OSError:
        return True


def _remove(group: Path) -> None:
    with suppress(OSError):
        group.rmdir()
