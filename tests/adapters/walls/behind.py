"""Commands behind walls, for tests; and which walls this machine could not build."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.isolation.command_limits import NO_COUNT, NO_MEMORY_BOUND
from adapters.isolation.policy import SandboxPolicy
from adapters.isolation.processes import ProcessLimits, ProcessResult, run

PLENTY = ProcessLimits(30)


def shell(
    folder: Path,
    script: str,
    walls: SandboxPolicy | None = None,
    limits: ProcessLimits = PLENTY,
    **more: str,
) -> ProcessResult:
    return run(["sh", "-c", script], cwd=folder, environment=more, limits=limits, walls=walls)


def needs_walls(ended: ProcessResult) -> None:
    if missing := walls_missing(ended.unbound):
        pytest.skip(f"no namespaces on this machine: {missing[0]}")


def walls_missing(unbound: Sequence[str]) -> list[str]:
    """Where no control group can be made, as for most users but root, every wall may stand."""
    return [word for word in unbound if word not in (NO_COUNT, NO_MEMORY_BOUND)]
