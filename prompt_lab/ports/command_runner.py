"""What runs the commands of a task, within limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Bounds:
    """What a command may take. `kept_bytes`: of its prints, from the beginning and the end."""

    seconds: float
    memory_mb: int
    processes: int
    output_mb: int
    file_mb: int
    kept_bytes: int = 1 << 20


@dataclass(frozen=True)
class ChangeLayer:
    """Two folders of one file system: what a command changed, and the kernel's own scratch."""

    changes: Path
    scratch: Path


@dataclass(frozen=True)
class CommandFolder:
    """Where a command runs: `tree` on this machine, which it sees at `at` in its sandbox."""

    tree: Path
    at: Path
    network: bool = False
    tree_bytes: int = 0
    """What the tree holds before the command."""
    layer: ChangeLayer | None = None
    """Takes what the command changes, and the tree stays as it is; None: the tree is changed."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. `code` is minus the signal, None where it never began or was ended.

    `reason` is '' or the bound that it met: time_limit, memory_limit, process_limit, output_limit,
    file_limit. `unenforced`: what this machine does not enforce, in words.
    """

    code: int | None
    reason: str
    out: str
    err: str
    seconds: float
    unenforced: tuple[str, ...] = ()


class CommandRunner(Protocol):
    """Starts the commands of a task, bounds what they take, and ends what they leave."""

    @property
    def refusal(self) -> str:
        """Why no command may run on this machine, as a sentence; '' where one may."""

    @property
    def no_sandbox(self) -> str:
        """Why commands run without a sandbox; '' where they have one."""

    def has_layers(self, folder: Path) -> bool:
        """Whether a command can be given a layer for its changes, below this folder."""

    def run(
        self,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        place: CommandFolder,
        limits: Bounds,
    ) -> CommandResult:
        """Run one command to its end.

        Raises SandboxUnavailable, TransientError where the sandbox itself fails.
        """

    def prepare(
        self,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        place: CommandFolder,
        limits: Bounds,
    ) -> None:
        """Say that a `run` with equal arguments is likely to come: it may be begun faster then.

        The folder's files may change until it comes.
        """

    def drop_prepared(self) -> None:
        """Let go of what was prepared and did not come."""
