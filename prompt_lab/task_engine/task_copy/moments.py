"""Whether stamps of files tell every change apart, and the pause after which they do."""

import os
import time
from functools import lru_cache
from pathlib import Path
from tempfile import mkstemp

MOMENTS = 20
"""So many writes in a row never fall into as many ticks of a coarse clock."""
SETTLED_NS = 5_000_000
"""The kernel's clock for files may stand still so long: what is written is that old before a
command starts, so that the command cannot change it within the same moment."""


@lru_cache(maxsize=64)
def tells_moments_apart(folder: Path) -> bool:
    """Whether a file here has another stamp after every change, however soon it comes.

    So it is where the kernel gives a file that was looked at a finer time at its next change
    (Linux 6.13, multigrain timestamps); elsewhere its clock for files stands still for 1 to 10 ms.
    """
    handle, path = mkstemp(dir=folder, prefix=".clock-")
    try:
        os.unlink(path)
        moments = []
        for _ in range(MOMENTS):
            os.write(handle, b"x")
            moments.append(os.fstat(handle).st_ctime_ns)
    finally:
        os.close(handle)
    return len(set(moments)) == MOMENTS


def settle(newest: int) -> None:
    """Wait until the change at `newest` (ns since 1970) is older than that clock is coarse."""
    left = newest + SETTLED_NS - time.time_ns()
    if 0 < left <= SETTLED_NS:
        time.sleep(left / 1e9)
