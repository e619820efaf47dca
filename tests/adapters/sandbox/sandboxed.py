"""Commands in a sandbox, for tests; it is there on Linux alone."""

import os
import sys
from pathlib import Path

import pytest

from adapters.sandbox.bubblewrap import why_no_sandbox
from adapters.sandbox.policy import ProcessLimits, SandboxMount, SandboxPolicy, show
from adapters.sandbox.processes import ProcessResult, run
from adapters.sandbox.view import interpreter_folders

PLENTY = ProcessLimits(60)
PYTHON = show(*interpreter_folders(Path(sys.executable)))
needs_sandbox = pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox() or "")
PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])


def policy_for(
    *mounts: SandboxMount, hidden: tuple[Path, ...] = (), limits: ProcessLimits = PLENTY,
    network: tuple[tuple[str, int], ...] | None = (), **environment: str,
) -> SandboxPolicy:  # fmt: skip
    """A policy that shows our Python beside the mounts."""
    return SandboxPolicy(limits, (*PYTHON, *mounts), hidden, network, {"PATH": PATH, **environment})


def shell(folder: Path, script: str, policy: SandboxPolicy) -> ProcessResult:
    return run(["sh", "-c", script], policy, folder)


def python(folder: Path, code: str, policy: SandboxPolicy) -> ProcessResult:
    return run([sys.executable, "-I", "-c", code], policy, folder)
