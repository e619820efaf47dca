"""Commands of ours as subprocess starts them, but forked from a parent that has imported the rest.

An interpreter that starts and imports what `luigi --module pipeline` needs takes seconds of the
processor, a fork a hundredth of one. All else is the same: the same file is the main program, in a
process of its own with its own streams, folder, environment and session, and ends by itself.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.processes import HANG_SECONDS

BIN = Path(sys.executable).parent
OURS = ("luigi", "prompt-lab", "prompt-lab-run", "prompt-lab-task")
READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "OMP_", "OPENBLAS_", "MALLOC_")
"""What an interpreter and its libraries read of the environment when they start."""
SET_BY_PARENT = ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
DEFAULTS = ("", "C.UTF-8")
"""Values that mean the same as none."""


class Warm(subprocess.Popen[str]):
    """A process that is forked from the warm parent, whose child it is."""

    def _execute_child(self, args: Sequence[str], *given: Any) -> None:
        """Ask for the fork. The positions are those of subprocess in Python 3.11 to 3.13."""
        cwd, env, pipes, session = given[4], given[5], given[9:15], given[20]
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told = {
            "words": words_for_python(args),
            "cwd": os.fspath(cwd or os.getcwd()),
            "env": dict(os.environ if env is None else env),
            "session": bool(session),
        }
        # Of each pair of a pipe's ends the command has one; -1: what this process has.
        ends = (pipes[0], pipes[3], pipes[5])
        streams = [n if end == -1 else end for n, end in enumerate(ends)]
        with its:
            message = json.dumps(told).encode()
            socket.send_fds(warm_parent(), [message], [*streams, its.fileno()])
        mine.settimeout(HANG_SECONDS)
        self._answers = mine
        self.pid = int(mine.recv(64))
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        return self._end(0)

    def _wait(self, timeout: float | None) -> int | None:
        code = self._end(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _end(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                code = self._answers.recv(64)
            except (BlockingIOError, TimeoutError):
                return None
            assert code, "the warm parent has ended"
            self.returncode = int(code)
            self._answers.close()
        return self.returncode


def popen(command: Sequence[str | Path], **given: Any) -> "subprocess.Popen[str]":
    """subprocess.Popen, with text=True; warm where nothing that is read at a start differs."""
    words, env = [str(word) for word in command], given.get("env")
    kind = Warm if _can_be_warm(words, os.environ if env is None else env) else subprocess.Popen
    return kind(words, text=True, **given)


def run(command: Sequence[str | Path], **given: Any) -> "subprocess.CompletedProcess[str]":
    """subprocess.run with text=True, and both streams captured unless others are given."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with popen(command, **{**streams, **given}) as process:
        out, err = process.communicate(timeout=HANG_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def words_for_python(args: Sequence[str]) -> list[str]:
    """The words behind the interpreter's own: a file of ours or -m, and its arguments."""
    return list(args[1:] if args[0] == sys.executable else args)


def _can_be_warm(words: Sequence[str], env: Mapping[str, str]) -> bool:
    if not sys.platform.startswith("linux"):
        return False  # there is no pidfd
    file = Path(words_for_python(words)[0])
    is_ours = file.parent == BIN and file.name in OURS
    is_python = words[0] == sys.executable and (file.name == "-m" or file.is_file())
    return (is_ours or is_python) and _start_settings(env) == _start_settings(os.environ)


def _start_settings(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in env.items()
        if name.startswith(READ_AT_START) and name not in SET_BY_PARENT and value not in DEFAULTS
    }


@cache
def warm_parent() -> socket.socket:
    """The socket of a parent that ends with this process."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        program = Path(__file__).with_name("warm_parent.py")
        command = [sys.executable, str(program), str(its.fileno())]
        subprocess.Popen(command, pass_fds=[its.fileno()], start_new_session=True)
    return mine
