"""The kernel refuses a process too many, be the engine root or not; what is not bounded is said."""

import subprocess
from pathlib import Path

import pytest

from adapters.sandbox.control_group import make_control_group
from adapters.sandbox.policy import ProcessLimits, show
from tests.adapters.sandbox.sandboxed import needs_sandbox, policy_for, python

pytestmark = [pytest.mark.slow, needs_sandbox]
FORKS = """
import os, time
made = 0
for _ in range(60):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        made += 1
    except BlockingIOError:
        break
print(made, flush=True)
"""
LIMITS = ProcessLimits(30, processes=20, memory_mb=256)


def test_a_process_too_many_is_refused_by_the_kernel(places: tuple[Path, Path]) -> None:
    ended = python(places[0], FORKS, policy_for(*show(places[0]), limits=LIMITS))
    made = ended.out.decode().strip()
    if any("not limited but counted" in words for words in ended.unenforced):
        assert ended.stopped == "processes"  # no kernel's bound for this user: ended by counting
    else:
        assert made == "19"  # and the command itself


def test_a_group_of_its_own_is_removed_and_no_other_is_touched() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        group = make_control_group(process.pid, LIMITS, 0)
        folders, overrun = group.folders, group.overrun()
        process.kill()
    assert overrun == ""
    assert all(folder.is_dir() for folder in folders)
    group.close()
    assert not any(folder.exists() for folder in folders)
