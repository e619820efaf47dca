"""The limits of a command that the kernel keeps: its control group, and rlimits of each process."""

import os
import platform
import re
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from adapters.sandbox.control_group import ControlGroup, make_control_group
from adapters.sandbox.policy import ProcessLimits, SandboxPolicy

MEGABYTE = 1 << 20
_COUNTS_BY_NAMESPACE = (5, 14)
"""Since this Linux, RLIMIT_NPROC counts the processes of a user namespace alone."""
_FORWARDING = 64
"""Threads of `inside/forward.py` that are no process of the command."""
_LOOKED_AT = {
    "memory": "memory is not limited but looked at: no control group is delegated to us",
    "processes": "processes are not limited but counted: no control group is delegated to us",
}


def count_spared(policy: SandboxPolicy, *, sandboxed: bool) -> int:
    """Processes beyond the limit: the first one of a sandbox, and what forwards its network."""
    return (1 + (_FORWARDING if policy.network else 0)) if sandboxed else 0


def apply_limits(
    pid: int, policy: SandboxPolicy, spared: int, *, sandboxed: bool,
    make_group: Callable[[int, ProcessLimits, int], ControlGroup] = make_control_group,
) -> tuple[ControlGroup, tuple[str, ...]]:  # fmt: skip
    """Bound a process that has not begun: its group, and what is not bounded, in words."""
    group = make_group(pid, policy.limits, spared)
    bounded = set(group.bounded)
    counted = sandboxed and os.geteuid() != 0 and _counts_by_namespace()
    if "memory" in bounded:  # an address space is more than what is used of it
        policy = replace(policy, limits=replace(policy.limits, address_mb=0))
    if _set_rlimits(pid, policy, spared if counted else -1):
        bounded.add("processes")
    return group, tuple(words for kind, words in _LOOKED_AT.items() if kind not in bounded)


def _set_rlimits(pid: int, policy: SandboxPolicy, spared: int) -> bool:
    """Bound each process: no core files, size of a file, address space; and their number.

    Whether their number is bounded: `spared` is -1 where the limit would bind no one (root), or
    count what is not the command's.
    """
    limits = policy.limits
    bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: limits.file_mb * MEGABYTE}
    if limits.address_mb:
        bounds[resource.RLIMIT_AS] = limits.address_mb * MEGABYTE
    if spared >= 0:
        bounds[resource.RLIMIT_NPROC] = limits.processes + spared
    done = set()
    for which, most in bounds.items():
        with suppress(OSError, ValueError, AttributeError):  # no `prlimit` but on Linux
            hard = resource.prlimit(pid, which)[1]
            bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, which, (bound, bound))
            done.add(which)
    return resource.RLIMIT_NPROC in done


def _counts_by_namespace() -> bool:
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return found is not None and (int(found[1]), int(found[2])) >= _COUNTS_BY_NAMESPACE
