"""What runs the commands of a task, within limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NO_JAIL = "no jail: the file system, the network and other processes are open to commands: {why}"


@dataclass(frozen=True)
class Bounds:
    """What a command may take. `kept_bytes`: of its prints, from the beginning and the end."""

    seconds: float
    memory_mb: int
    processes: int
    output_mb: int
    file_mb: int
    kept_bytes: int = 1 << 20
    cgroups: bool = True


@dataclass(frozen=True)
class CommandFolder:
    """Where a command runs: `tree` on this machine, which it sees at `at` if there is a jail."""

    tree: Path
    at: Path
    jail: bool
    network: bool = False
    tree_bytes: int = 0
    """What the tree holds before the command."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. `code` is minus the signal, None where it never began or was ended.

    `reason` is '' or the bound that it met: time_limit, memory_limit, process_limit, output_limit,
    file_limit. `left` counts the processes that it had left running, which were ended.
    """

    code: int | None
    reason: str
    out: str
    err: str
    seconds: float
    printed: int
    left: int
    unbound: tuple[str, ...] = ()


class CommandRunner(Protocol):
    """Starts the commands of a task, bounds what they take, and ends what they leave."""

    @property
    def no_jail(self) -> str:
        """Why this machine allows no jail; '' where it does."""

    def run(
        self,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        place: CommandFolder,
        limits: Bounds,
    ) -> CommandResult:
        """Run one command to its end. Raises TransientError where the sandbox itself fails."""
