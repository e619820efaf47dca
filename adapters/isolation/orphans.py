"""What has left its process group and its jail: found again by a variable, and ended."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "PROMPT_LAB_BOX"
"""A variable by which what a command has left behind is found again."""


def end_orphans(mark: str) -> int:
    """End what has left its group and still carries our mark, until none is found."""
    wanted, killed = f"{MARK}={mark}".encode(), 0
    for _ in range(50):
        found = [pid for pid in _pids() if wanted in _environment_of(pid)]
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        if not found:
            break
        time.sleep(0.02)
    return killed


def _pids() -> list[int]:
    with suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return []


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
