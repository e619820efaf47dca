"""Processes that tests start, and whether one still runs."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
    """Whether none of them runs within a few seconds."""
    for _ in range(100):
        if not any(map(runs, pids)):
            return True
        time.sleep(0.1)
    return False


def command_runs(words: str) -> bool:
    """Whether a process with this very command line runs."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return any(line.strip() == words for line in listed.stdout.splitlines())
