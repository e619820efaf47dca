"""The memory and processes of a command behind walls, held by a control group or by looking."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.bounds import tree
from adapters.bounds.cgroups import Group, ResourceLimits

OURS = 8
"""Tasks of the group that are not the command's: two that stand by, and threads of the relay."""
NO_MEMORY_BOUND = "its memory is not limited: no control group can be made"
NO_COUNT = "processes are counted periodically, not limited: no control group can be made"


class CommandLimits:
    """One command's bounds. `unbound` says which of them this machine cannot keep."""

    def __init__(self, cage: ResourceLimits, group: Group | None, processes: int) -> None:
        self.unbound = [] if cage.memory and group else [NO_MEMORY_BOUND]
        self._counted = bool(cage.kind and group)
        self.unbound += [] if self._counted else [NO_COUNT]
        self._group, self._processes, self._pid = group, processes, 0

    def take(self, pid: int) -> None:
        """Bound this process, and all that it starts from now on."""
        self._pid = pid
        if self._group is not None:
            self._group.enter(pid)

    def met(self) -> str:
        """The bound that it has met: 'memory', 'processes', or ''."""
        refused, ended = self._group.counts() if self._group is not None else (0, 0)
        if ended:
            return "memory"
        if not self._counted and self._pid:
            refused += len(tree.descendants(self._pid)) > self._processes + OURS
        return "processes" if refused else ""


@contextmanager
def command_limits(processes: int, memory_mb: int, mark: str) -> Iterator[CommandLimits]:
    """Bounds for one command, gone when it has ended; `mark` names them on the machine."""
    cage = ResourceLimits(wanted=sys.platform == "linux", mark=mark)
    try:
        yield CommandLimits(cage, cage.make("command-0", processes + OURS, memory_mb), processes)
    finally:
        cage.close()
