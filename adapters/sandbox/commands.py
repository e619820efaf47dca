"""Commands of a task, seen from the engine: each in a sandbox of its own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from adapters.sandbox.bubblewrap import describe_refusal, describe_waiver
from adapters.sandbox.inside.captured_output import growth, largest, size
from adapters.sandbox.layers import why_no_layers
from adapters.sandbox.policy import ProcessLimits, SandboxMount, SandboxPolicy, show
from adapters.sandbox.prepared import drop_prepared, prepare
from adapters.sandbox.processes import ProcessResult, run
from adapters.sandbox.view import interpreter_folders
from prompt_lab.ports import Bounds, CommandFolder, CommandResult

MEGABYTE = 1 << 20
_SIGXFSZ = -25
_REASONS = {
    "": "", "time": "time_limit", "output": "output_limit", "memory": "memory_limit",
    "processes": "process_limit", "files": "file_limit",
}  # fmt: skip


@dataclass
class SandboxedCommands:
    """ports.CommandRunner by bubblewrap."""

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
        policy = _policy(environment, place, limits)
        most = limits.file_mb * MEGABYTE
        start = (place.tree if describe_waiver() else place.at) / cwd
        ended = run(
            command, policy, start,
            look=lambda: "files" if _growth(place) > most else "",
        )  # fmt: skip
        reason = _REASONS[ended.stopped] or _explain_limit(ended, place, limits)
        return CommandResult(
            code=None if reason else ended.code,
            reason=reason,
            out=ended.out.decode("utf-8", "replace"),
            err=ended.err.decode("utf-8", "replace"),
            seconds=ended.seconds,
            unenforced=ended.unenforced,
        )

    def has_layers(self, folder: Path) -> bool:
        """Whether this kernel lays folders of this file system over each other for any user."""
        return not describe_waiver() and why_no_layers(folder) == ""

    def prepare(
        self,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        place: CommandFolder,
        limits: Bounds,
    ) -> None:
        """Build the sandbox for a `run` with equal arguments while another command runs."""
        policy = _policy(environment, place, limits)
        # A mount point within the tree could be moved by the command that runs meanwhile.
        if not any(path.is_relative_to(place.at) for path in _own_interpreter()):
            prepare(policy, command, place.at / cwd)

    def drop_prepared(self) -> None:
        """End what was prepared."""
        drop_prepared()

    @property
    def refusal(self) -> str:
        """Why no command may run on this machine, as a sentence; '' where one may."""
        return describe_refusal("The task's commands were")

    @property
    def no_sandbox(self) -> str:
        """Why commands run without a sandbox; '' where they have one."""
        return describe_waiver()


def _policy(environment: Mapping[str, str], place: CommandFolder, limits: Bounds) -> SandboxPolicy:
    return SandboxPolicy(
        limits=ProcessLimits(
            seconds=limits.seconds,
            output=limits.output_mb * MEGABYTE,
            kept=limits.kept_bytes,
            memory_mb=limits.memory_mb,
            processes=limits.processes,
            file_mb=limits.file_mb,
            address_mb=limits.memory_mb,
        ),
        mounts=(*show(*_own_interpreter()), _tree_mount(place)),
        network=None if place.network else (),
        environment=environment,
    )


def _tree_mount(place: CommandFolder) -> SandboxMount:
    if place.layer is None:
        return SandboxMount(place.tree, place.at, writable=True)
    return SandboxMount(
        place.tree, place.at, changes=place.layer.changes, scratch=place.layer.scratch
    )


def _growth(place: CommandFolder) -> int:
    """Bytes that the files have gained; with a layer, those that were deleted do not count."""
    if place.layer is None:
        return size(str(place.tree)) - place.tree_bytes
    return growth(str(place.layer.changes), str(place.tree))


@lru_cache(maxsize=1)
def _own_interpreter() -> tuple[Path, ...]:
    return interpreter_folders(Path(sys.executable))


def _explain_limit(ended: ProcessResult, place: CommandFolder, limits: Bounds) -> str:
    """Why a command failed that was not ended: memory or a file that may not grow further."""
    if ended.code and ended.err.rstrip().endswith(b"\nMemoryError"):
        return "memory_limit"  # the limit of its address space, where no group bounds its memory
    written = place.tree if place.layer is None else place.layer.changes
    full = ended.code and largest(str(written)) >= limits.file_mb * MEGABYTE
    return "file_limit" if ended.code == _SIGXFSZ or full else ""
