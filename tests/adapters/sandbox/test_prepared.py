"""Sandboxes built ahead: the command is the same, begins when it is asked for, and ends with us."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.sandbox import prepared
from adapters.sandbox.policy import SandboxPolicy, show_writable
from adapters.sandbox.prepared import drop_prepared, prepare, take_prepared
from adapters.sandbox.processes import run
from tests.adapters.sandbox.sandboxed import needs_sandbox, policy_for
from tests.processes import until

pytestmark = [
    pytest.mark.slow,
    needs_sandbox,
    pytest.mark.skipif(not os.path.exists(prepared.SHELL), reason="no shell that can wait"),
]
CODE = """import json, os, sys
open("begun", "a").write("x")
open_files = sorted(os.listdir("/proc/self/fd"))
print(json.dumps([sorted(os.environ.items()), os.getcwd(), sys.stdin.read(), open_files]))
print(os.getppid(), file=sys.stderr)
sys.exit(3)"""


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    drop_prepared()


def _asked(box: Path, **more: str) -> tuple[SandboxPolicy, list[str], Path]:
    (box / "inner").mkdir(exist_ok=True)
    policy = policy_for(show_writable(box)[0])
    policy = replace(policy, environment={**policy.environment, **more})
    return policy, [sys.executable, "-c", CODE], box / "inner"


def test_a_prepared_command_is_the_same_as_any(places: tuple[Path, Path]) -> None:
    box, _ = places
    policy, words, cwd = _asked(box, A="1 '2'")
    plain = run(words, policy, cwd)
    prepare(policy, words, cwd)
    prepared._waiting[0].built.result()
    assert (cwd / "begun").read_text() == "x"  # of the one before: it waits
    ahead = run(words, policy, cwd)
    assert (cwd / "begun").read_text() == "xx"
    assert (ahead.code, ahead.out, ahead.err) == (plain.code, plain.out, plain.err) == (
        3, plain.out, b"1\n",
    )  # fmt: skip
    assert not prepared._waiting


def test_it_is_used_for_an_equal_command_alone(places: tuple[Path, Path]) -> None:
    policy, words, cwd = _asked(places[0])
    prepare(policy, words, cwd)
    assert take_prepared(_asked(places[0], B="2")[0], words, cwd) is None
    assert take_prepared(policy, [*words, "more"], cwd) is None
    assert take_prepared(policy, words, places[0]) is None
    found = take_prepared(policy, words, cwd)
    assert found is not None
    assert found.finish() == 3
    for pipe in (found.process.stdout, found.process.stderr):
        assert pipe is not None
        pipe.close()


def test_it_is_not_used_where_another_folder_has_the_path(places: tuple[Path, Path]) -> None:
    policy, words, cwd = _asked(places[0])
    prepare(policy, words, cwd)
    prepared._waiting[0].built.result()
    places[0].rename(places[0].with_name("aside"))
    places[0].mkdir()
    cwd.mkdir()
    assert take_prepared(policy, words, cwd) is None
    assert run(words, policy, cwd).code == 3
    assert (cwd / "begun").exists()
    assert not (places[0].with_name("aside") / "inner/begun").exists()


def test_a_folder_made_anew_meanwhile_is_the_one_it_runs_in(places: tuple[Path, Path]) -> None:
    policy, words, cwd = _asked(places[0])
    prepare(policy, words, cwd)
    prepared._waiting[0].built.result()
    cwd.rmdir()
    cwd.mkdir()
    assert run(words, policy, cwd).code == 3
    assert (cwd / "begun").exists()


def test_a_program_that_is_missing_is_told_as_ever(places: tuple[Path, Path]) -> None:
    policy = policy_for(show_writable(places[0])[0])
    prepare(policy, ["no-such-program"], places[0])
    ended = run(["no-such-program"], policy, places[0])
    assert ended.code == 127
    assert ended.err.startswith(b"'no-such-program' cannot be started: ")


def test_few_wait_and_a_dropped_one_has_ended(places: tuple[Path, Path]) -> None:
    roots = []
    for number in range(prepared.MOST + 1):
        policy, words, cwd = _asked(places[0], N=str(number))
        prepare(policy, words, cwd)
        roots.append(prepared._waiting[-1].built.result()[0].root)
    assert len(prepared._waiting) == prepared.MOST
    assert list(map(_lives, roots)) == [False, True, True]
    drop_prepared()
    assert not any(map(_lives, roots))
    assert not (places[0] / "inner/begun").exists()


def test_what_waits_ends_with_a_killed_engine(places: tuple[Path, Path]) -> None:
    policy, words, cwd = _asked(places[0])
    end, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        prepare(policy, words, cwd)
        os.write(told, str(prepared._waiting[0].built.result()[0].root).encode())
        os.kill(os.getpid(), 9)
    os.close(told)
    root = int(os.read(end, 99))
    os.close(end)
    os.waitpid(pid, 0)
    until(lambda: not _lives(root))
    assert not (cwd / "begun").exists()


def test_a_fork_neither_uses_nor_ends_what_its_parent_prepared(places: tuple[Path, Path]) -> None:
    policy, words, cwd = _asked(places[0])
    prepare(policy, words, cwd)
    waiting = prepared._waiting[0].built.result()[0]
    pid = os.fork()
    if pid == 0:
        used = take_prepared(policy, words, cwd) is not None
        drop_prepared()
        os._exit(int(used))
    assert os.waitpid(pid, 0)[1] == 0
    assert _lives(waiting.root)
    assert run(words, policy, cwd).code == 3


def _lives(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
