"""What a running command takes: memory and processes, by its control group or by looking.

Without a delegated group of version 2 each look sums up its processes (psutil): a command is over a
limit for at most LOOK_SECONDS and the time of one look before it is ended.
"""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil

from adapters.sandbox.inside import tree
from adapters.sandbox.policy import ProcessLimits

LOOK_SECONDS = 0.2
COUNT_SECONDS = 0.02
"""Between two counts of its processes, which no limit of the kernel bounds for root."""
MOUNT = Path("/sys/fs/cgroup")
MEGABYTE = 1 << 20
BY_LOOKING = "memory and processes are counted by looking: no control group is delegated to us"


class ResourceUsage:
    """The use of one command, whose first process is `root`."""

    def __init__(self, root: int, limits: ProcessLimits, spared: int = 1) -> None:
        """`spared`: processes that are not the command's own."""
        self._root, self._limits, self._spared = root, limits, spared
        self._group = _make_group(root, limits, spared)
        self.unenforced = () if self._group else (BY_LOOKING,)

    def overrun(self) -> str:
        """The limit that is exceeded: 'memory', 'processes', or ''."""
        if self._group is not None:
            return _read_events(self._group)
        pids = self._pids()
        if len(pids) + 1 - self._spared > self._limits.processes:
            return "processes"
        most = self._limits.memory_mb * MEGABYTE
        threads = used = 0
        for pid in pids:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                used += process.memory_info().rss
                threads += process.num_threads()
        if threads > self._limits.processes + self._spared:
            return "processes"
        # Shared pages count in each process: only where even that is too much, look closer.
        return "memory" if used > most and sum(map(_proportional, pids)) > most else ""

    def multiplied(self) -> bool:
        """Whether it has too many processes, at a price that may be paid many times a second.

        A fork bomb makes thousands in the time between two looks: of those no more are counted
        than it takes to tell.
        """
        if self._group is not None or not tree.LISTED:
            return False
        return len(self._pids()) + 1 - self._spared > self._limits.processes

    def _pids(self) -> list[int]:
        most = self._limits.processes + self._spared + 1
        return tree.descendants(self._root, most) if tree.LISTED else _descendants(self._root)

    def close(self) -> str:
        """Remove the group, whose processes have ended; the limit that it had met, or ''."""
        if self._group is None:
            return ""
        met = _read_events(self._group)
        with suppress(OSError):
            self._group.rmdir()
        return met


def _proportional(pid: int) -> int:
    """Bytes of memory, shared pages divided by those who share them."""
    with suppress(psutil.Error):
        full = psutil.Process(pid).memory_full_info()
        return int(getattr(full, "pss", full.uss))
    return 0


def _descendants(root: int) -> list[int]:
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(root).children(recursive=True)]
    return []


def _make_group(root: int, limits: ProcessLimits, spared: int) -> Path | None:
    """A group of version 2 beside or below our own, where it bounds both; None elsewhere."""
    with suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
        own = MOUNT / next((x.removeprefix("0::/") for x in lines if x.startswith("0::/")), "none")
        for parent in (own, own.parent):
            group = parent / f"prompt-lab-{os.getpid()}-{uuid4().hex[:8]}"
            if not (parent / "cgroup.controllers").is_file() or not _try_mkdir(group):
                continue
            try:
                (group / "memory.max").write_text(str(limits.memory_mb * MEGABYTE))
                (group / "pids.max").write_text(str(limits.processes + spared))
                with suppress(OSError):
                    (group / "memory.swap.max").write_text("0")
                (group / "cgroup.procs").write_text(str(root))
                return group
            except OSError:
                group.rmdir()
    return None


def _try_mkdir(group: Path) -> bool:
    try:
        group.mkdir()
    except OSError:
        return False
    return True


def _read_events(group: Path) -> str:
    for name, word, reason in (
        ("memory.events", "oom_kill", "memory"), ("pids.events", "max", "processes"),
    ):  # fmt: skip
        with suppress(OSError, ValueError, IndexError):
            for line in (group / name).read_text("utf-8").splitlines():
                if line.startswith(f"{word} ") and int(line.split()[1]):
                    return reason
    return ""
