"""The kernel refuses a process too many, be the engine root or not; what is not bounded is said."""

import os
import subprocess
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from adapters.sandbox import control_group
from adapters.sandbox.control_group import (
    ControlGroup,
    is_charged,
    make_control_group,
    remove_idle_groups,
)
from adapters.sandbox.limits import apply_limits
from adapters.sandbox.policy import ProcessLimits, show
from tests.adapters.sandbox.sandboxed import needs_sandbox, policy_for, python, shell
from tests.processes import until

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


def _ended_group() -> ControlGroup:
    with subprocess.Popen(["sleep", "60"]) as process:
        group = make_control_group(process.pid, LIMITS, 0)
        assert group.overrun() == ""
        process.kill()
    return group


def test_a_kept_group_is_given_to_one_thread_alone(tmp_path: Path) -> None:
    kind = control_group._GroupKind(os.getpid(), tmp_path, ("processes",), 20, 0)
    kept = [tmp_path / str(number) for number in range(400)]
    for folder in kept:
        folder.mkdir()
        (folder / "pids.current").write_text("0")
    control_group._idle[kind] = deque(kept)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: control_group._take_idle(kind), range(401)))
    control_group._idle.pop(kind)
    assert taken.count(None) == 1
    assert {folder for folder in taken if folder} == set(kept)


def _are_free(folders: tuple[Path, ...]) -> bool:
    return not any(map(is_charged, folders))


def test_a_group_of_its_own_is_used_again_and_then_removed() -> None:
    group = _ended_group()
    folders: tuple[Path, ...] = ()
    for _ in range(3):
        assert all(folder.is_dir() for folder in group.folders)
        assert folders in ((), group.folders)
        folders = group.folders
        group.close(keep=True)
        until(partial(_are_free, folders))
        group = _ended_group()
    group.close(keep=True)
    remove_idle_groups()
    assert not any(folder.exists() for folder in folders)


def test_processes_that_have_ended_are_not_counted_against_the_next_command(
    places: tuple[Path, Path],
) -> None:
    """The kernel counts a process for some time after its end."""
    policy = policy_for(*show(places[0]), limits=LIMITS)
    ended = [shell(places[0], "sh -c true; sh -c true", policy) for _ in range(30)]
    assert {one.stopped for one in ended} == {""}


def test_a_group_that_met_its_limit_is_not_used_again(places: tuple[Path, Path]) -> None:
    """What it refused is counted as long as it lives: the next command is not blamed for it."""
    policy = policy_for(*show(places[0]), limits=LIMITS)
    for _ in range(2):
        python(places[0], FORKS, policy)
        ended = python(places[0], "print('ran')", policy)
        assert (ended.out, ended.stopped) == (b"ran\n", "")


def test_what_no_control_group_bounds_is_said_in_words(places: tuple[Path, Path]) -> None:
    """As root without a control group that can be written nothing but a count bounds processes."""
    policy = policy_for(*show(places[0]), limits=LIMITS)
    with subprocess.Popen(["sleep", "60"]) as process:
        _, said = apply_limits(
            process.pid, policy, 1, sandboxed=True, make_group=lambda *_: ControlGroup()
        )
        process.kill()
    assert any(words.startswith("memory is not limited but looked at") for words in said)
    counted = any(words.startswith("processes are not limited but counted") for words in said)
    assert counted or os.geteuid() != 0
