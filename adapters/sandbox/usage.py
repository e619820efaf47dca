"""What a running command takes, where no control group bounds it: by looking.

Each look sums up its processes (psutil): a command is over a limit for at most LOOK_SECONDS and the
time of one look before it is ended.
"""

from contextlib import suppress

import psutil

from adapters.sandbox.inside import tree
from adapters.sandbox.launch import LaunchedCommand
from adapters.sandbox.policy import ProcessLimits

LOOK_SECONDS = 0.2
COUNT_SECONDS = 0.02
"""Between two counts of processes that no limit of the kernel bounds."""
MEGABYTE = 1 << 20


class ResourceUsage:
    """The use of one command."""

    def __init__(self, launched: LaunchedCommand, limits: ProcessLimits) -> None:
        self._launched, self._limits = launched, limits
        self._most = limits.processes + launched.spared

    @property
    def kernel_counts(self) -> bool:
        """Whether the kernel counts the processes, so that nothing has to be looked at often."""
        return "processes" in self._launched.group.bounded

    def overrun(self) -> str:
        """The limit that is exceeded: 'memory', 'processes', or ''."""
        bounded = self._launched.group.bounded
        met = self._launched.group.overrun()
        # Without a sandbox a command may have begun before it was in its group: look all the same.
        if met or ({"memory", "processes"} <= bounded and self._launched.status >= 0):
            return met
        pids = [self._launched.root, *self._pids()]
        if len(pids) > self._most:
            return "processes"
        most = self._limits.memory_mb * MEGABYTE
        threads = used = 0
        for pid in pids:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                used += process.memory_info().rss
                threads += process.num_threads()
        if threads > self._most:
            return "processes"
        if not most or "memory" in bounded:
            return ""
        # Shared pages count in each process: only where even that is too much, look closer.
        return "memory" if used > most and sum(map(_proportional, pids)) > most else ""

    def multiplied(self) -> bool:
        """Whether it has too many processes, at a price that may be paid many times a second.

        A fork bomb makes thousands in the time between two looks: of those no more are counted
        than it takes to tell.
        """
        if self.kernel_counts or not tree.LISTED:
            return False
        return len(self._pids()) + 1 > self._most

    def _pids(self) -> list[int]:
        root = self._launched.root
        return tree.descendants(root, self._most + 1) if tree.LISTED else _descendants(root)


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
