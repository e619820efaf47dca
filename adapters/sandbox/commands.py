"""Commands of a task, seen from the engine: each in a sandbox of its own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from adapters.sandbox.bubblewrap import describe_refusal, describe_waiver
from adapters.sandbox.inside.captured_output import largest, size
from adapters.sandbox.policy import ProcessLimits, SandboxMount, SandboxPolicy, show
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
        policy = SandboxPolicy(
            limits=ProcessLimits(
                seconds=limits.seconds,
                output=limits.output_mb * MEGABYTE,
                kept=limits.kept_bytes,
                memory_mb=limits.memory_mb,
                processes=limits.processes,
                file_mb=limits.file_mb,
                address_mb=limits.memory_mb,
            ),
            mounts=(
                *show(*_own_interpreter()),
                SandboxMount(place.tree, place.at, writable=True),
            ),
            network=None if place.network else (),
            environment=environment,
        )
        most = place.tree_bytes + limits.file_mb * MEGABYTE
        start = (place.tree if describe_waiver() else place.at) / cwd
        ended = run(
            command, policy, start,
            look=lambda: "files" if size(str(place.tree)) > most else "",
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

    @property
    def refusal(self) -> str:
        """Why no command may run on this machine, as a sentence; '' where one may."""
        return describe_refusal("The task's commands were")

    @property
    def no_sandbox(self) -> str:
        """Why commands run without a sandbox; '' where they have one."""
        return describe_waiver()


@lru_cache(maxsize=1)
def _own_interpreter() -> tuple[Path, ...]:
    return interpreter_folders(Path(sys.executable))


def _explain_limit(ended: ProcessResult, place: CommandFolder, limits: Bounds) -> str:
    """Why a command failed that was not ended: memory or a file that may not grow further."""
    if ended.code and ended.err.rstrip().endswith(b"\nMemoryError"):
        return "memory_limit"  # the limit of its address space, where no group bounds its memory
    full = ended.code and largest(str(place.tree)) >= limits.file_mb * MEGABYTE
    return "file_limit" if ended.code == _SIGXFSZ or full else ""
