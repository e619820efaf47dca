"""Limits of one process and of what it starts (rlimits), which bind root too."""

from __future__ import annotations

import contextlib
import resource

MEGABYTE = 1 << 20


def set_rlimits(memory_mb: int, file_mb: int) -> None:
    """Bound this process and what it starts: address space beyond what it has, size of a file."""
    _lower(resource.RLIMIT_CORE, 0)
    if file_mb:
        _lower(resource.RLIMIT_FSIZE, file_mb * MEGABYTE)
    if memory_mb:
        _lower(resource.RLIMIT_AS, memory_mb * MEGABYTE + _address_space())


def _lower(which: int, value: int) -> None:
    """Set a soft and hard limit, never above the hard limit that holds."""
    hard = resource.getrlimit(which)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (bound, bound))


def _address_space() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0
