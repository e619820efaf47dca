"""Processes that tests start, whether one still runs, and how long is waited for one."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

HANG_SECONDS = 300.0
"""After which a process hangs. Less would only measure what else the machine has to do."""


def until(holds: Callable[[], object], seconds: float = HANG_SECONDS) -> None:
    """Wait until it holds; fail where it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not so within {seconds:g} seconds"
        time.sleep(0.01)


@contextmanager
def owner(module: str, wish: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m module wish`; it is ended with the block."""
    command = [sys.executable, "-m", module, wish]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The next line of JSON that it prints."""
    assert process.stdout
    data: dict[str, Any] = json.loads(process.stdout.readline())
    return data


def runs(pid: int) -> bool:
    """Whether the process runs. A zombie does not run."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith(b"Z")


def gone(*pids: int) -> bool:
    """Whether none of them runs, which is waited for."""
    end = time.monotonic() + HANG_SECONDS
    while any(map(runs, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(runs, pids))


def command_runs(words: str) -> bool:
    """Whether a process with this very command line runs."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return any(line.strip() == words for line in listed.stdout.splitlines())
