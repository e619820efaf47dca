"""One command: the process that stands for it, and the one that becomes it."""

from __future__ import annotations

import errno
import gc
import json
import os
import select
import signal
from contextlib import suppress
from typing import Any, NoReturn

from ...bounds import cgroups, tree
from ...isolation.jail import Builder, Jail, fork_apart

NOT_STARTED = 127


def begin(job: dict[str, Any], pipes: list[tuple[int, int]]) -> int:
    """Fork the process that stands for a command; its number. Raises OSError.

    `pipes` are (end to read, end to write) of standard output, standard error and its report. In a
    jail it is the first of the command's processes, with which all others end.
    """
    us = os.geteuid(), os.getegid()
    pid = fork_apart() if job["jail"] else os.fork()
    if pid == 0:
        _run_command(job, pipes, us)
    return pid


def _run_command(
    job: dict[str, Any], pipes: list[tuple[int, int]], us: tuple[int, int]
) -> NoReturn:
    """The whole life of the process that stands for a command; ends it.

    It waits for the command, reports how it ended, and ends with all that the command has left
    running. `us`: the user and group that the keeper is.
    """
    (read_out, out), (read_err, err), (read_report, report) = pipes
    told: dict[str, Any] = {}
    gc.disable()  # a collection would copy what a fork shares
    try:
        for fd in (read_out, read_err, read_report):
            os.close(fd)
        with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
            file.write(b"0")
        os.setsid()
        tree.adopt_orphans()
        tree.die_with_parent(0 if job["jail"] else job["keeper"])  # a jail sees no process outside
        _end_if_alone(report)
        _reset_signals()
        limits = job["limits"]
        cgroups.set_rlimits(limits["address_mb"], limits["file_mb"])
        os.dup2(out, 1)
        os.dup2(err, 2)
        if job["jail"]:
            jail = Builder(Jail.from_json(job["jail"]))
            jail.separate(us)
            jail.arrange()
            jail.finish()
        told = _stand_by(job)
    except OSError as error:
        told = {"failed": error_text(error)}
    except BaseException as error:
        told = {"failed": f"{type(error).__name__}: {error}"}
    finally:
        if told:
            os.write(report, json.dumps(told).encode())
        os._exit(0)


def error_text(error: OSError) -> str:
    """What the system refused, in words."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _end_if_alone(report: int) -> None:
    """End where the keeper died before it could be the parent whose end is ours."""
    poll = select.poll()
    poll.register(report, 0)
    if poll.poll(0):
        os._exit(1)


def _stand_by(job: dict[str, Any]) -> dict[str, Any]:
    """Start the command and wait for its end; take leave of every orphan meanwhile."""
    if job.get("probe"):
        return {"exit": 0, "left": 0}
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    words, environment = job["command"], job["environment"]
    try:
        os.chdir(job["cwd"])
        # Not a fork, which would copy this process for nothing. No descriptor of ours is passed on.
        command = os.posix_spawn(_program(words[0], environment), words, environment)
    except OSError as error:
        os.write(2, f"{words[0]!r} cannot be started: {error.strerror}\n".encode())
        return {"exit": NOT_STARTED, "left": 0}
    while True:
        pid, status = os.wait()
        if pid == command:
            left = [one for one in tree.descendants(os.getpid()) if tree.is_running(one)]
            return {"exit": _code(status), "left": len(left)}


def _program(word: str, environment: dict[str, str]) -> str:
    """The file that a command's first word names, as execvp finds it. Raises OSError."""
    if "/" in word:
        return word
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, word)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _code(status: int) -> int:
    """The exit code, or minus the signal that ended it."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
