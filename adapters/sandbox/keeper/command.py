"""One command: the process that stands for it, and the one that becomes it."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any, NoReturn

from ...bounds import cage, tree
from ...walls.jail import Builder, Jail

NOT_STARTED = 127


def live(job: dict[str, Any], pipes: tuple[int, int, int]) -> NoReturn:
    """The whole life of the process that stands for a command; ends it.

    `pipes` are (standard output, standard error, report). It waits for the command, reports how it
    ended, and ends with all that the command has left running.
    """
    out, err, report = pipes
    told: dict[str, Any] = {}
    try:
        with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
            file.write(b"0")
        os.setsid()
        tree.adopt_orphans()
        tree.die_with_parent(job["keeper"])
        _reset_signals()
        limits = job["limits"]
        cage.set_rlimits(limits["address_mb"], limits["file_mb"])
        os.dup2(out, 1)
        os.dup2(err, 2)
        told = _jailed(job, report) if job["jail"] else _stand_by(job, report)
    except OSError as error:
        told = {"failed": str(error)}
    except BaseException as error:
        told = {"failed": f"{type(error).__name__}: {error}"}
    finally:
        if told:
            os.write(report, json.dumps(told).encode())
        os._exit(0)


def _jailed(job: dict[str, Any], report: int) -> dict[str, Any]:
    """Stand by in a process namespace, of which this process' child is the first process."""
    jail = Builder(Jail.of(job["jail"]))
    jail.separate()
    jail.arrange()
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return {}
    told: dict[str, Any] = {}
    try:
        tree.die_with_parent(0)  # seen from inside, a parent outside has no number
        jail.finish()
        told = _stand_by(job, report)
    except OSError as error:
        told = {"failed": str(error)}
    finally:
        os.write(report, json.dumps(told).encode())
        os._exit(0)


def _stand_by(job: dict[str, Any], report: int) -> dict[str, Any]:
    """Fork the command and wait for its end; take leave of every orphan meanwhile."""
    if job.get("probe"):
        return {"exit": 0, "left": 0}
    command = os.fork()
    if command == 0:
        os.close(report)
        _become(job)
    while True:
        pid, status = os.wait()
        if pid == command:
            left = [one for one in tree.descendants(os.getpid()) if tree.running(one)]
            return {"exit": _code(status), "left": len(left)}


def _become(job: dict[str, Any]) -> NoReturn:
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.chdir(job["cwd"])
        os.execvpe(job["command"][0], job["command"], job["environment"])
    except OSError as error:
        sys.stderr.write(f"{job['command'][0]!r} cannot be started: {error.strerror}\n")
        sys.stderr.flush()
    finally:
        os._exit(NOT_STARTED)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _code(status: int) -> int:
    """The exit code, or minus the signal that ended it."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
