"""`python warm_parent.py FD`: imports what commands of ours import, then forks one per request.

A request comes by the socket FD: what a person's command is, with its three standard streams and a
socket for the answers, which are the pid and, at the end, the exit code as subprocess has it. The
fork runs the very file or module as its main program, in its folder and environment. `luigi` and
`pipeline` are not imported beforehand, since they read both while they are imported.
"""

import gc
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
from importlib import import_module
from typing import Any, NamedTuple

OTHERS = ("requests", "dateutil.parser", "typer", "configparser", "getpass", "logging.config")
"""What luigi and pipeline import besides."""
ALONE = ("adapters.sandbox.inside", "adapters.step.worker", "adapters.gateway")
"""Programs of their own: no command imports them."""
MESSAGE = 1 << 20


class Started(NamedTuple):
    """A command of this process that runs."""

    pid: int
    answers: socket.socket


def import_all() -> None:
    """All modules of the lower layers, and what they need."""
    for package in ("prompt_lab", "adapters"):
        folders = import_module(package).__path__
        for module in pkgutil.walk_packages(folders, f"{package}."):
            if not module.name.startswith(ALONE):
                import_module(module.name)
    for name in OTHERS:
        import_module(name)


def take_requests(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork for each request; returns in the forks alone. Ends with whoever asks."""
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    running: list[socket.socket] = []
    while True:
        for key, _ in selector.select():
            if isinstance(key.data, Started):
                selector.unregister(key.fd)
                os.close(key.fd)
                _report_end(key.data)
                running.remove(key.data.answers)
                continue
            message, streams, _, _ = socket.recv_fds(requests, MESSAGE, 4)
            if not message:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                selector.close()
                for one in (requests, *running):
                    one.close()
                return json.loads(message), streams
            for stream in streams[:3]:
                os.close(stream)
            answers = socket.socket(fileno=streams[3])
            answers.send(str(pid).encode())
            running.append(answers)
            ended = os.pidfd_open(pid)
            selector.register(ended, selectors.EVENT_READ, Started(pid, answers))


def _report_end(started: Started) -> None:
    _, status = os.waitpid(started.pid, 0)
    with started.answers:
        try:
            started.answers.send(str(os.waitstatus_to_exitcode(status)).encode())
        except OSError:
            return  # nobody waits for it


def become(told: dict[str, Any], streams: list[int]) -> None:
    """Take the command's streams, folder, environment and session."""
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if told["session"]:
        os.setsid()
    os.environ.clear()
    os.environ.update(told["env"])
    os.chdir(told["cwd"])
    through = bool(told["env"].get("PYTHONUNBUFFERED"))
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0)), "utf-8")
    sys.stdout = _output(1, sys.stdout.errors, through)
    sys.stderr = _output(2, "backslashreplace", through)
    vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)


def _output(number: int, errors: str | None, through: bool) -> Any:
    raw = io.FileIO(number, "w", closefd=False)
    is_line = number == 2 or raw.isatty()
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, "utf-8", errors, None, is_line, through)


def run(words: list[str]) -> None:
    """The main program; its end is the end of this process."""
    path = [*os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.path[1:1] = [folder for folder in path if folder and folder not in sys.path]
    if words[0] == "-m":
        sys.path[0] = os.getcwd()
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(words[0])
        sys.argv = list(words)
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    vars(os)["fsync"] = os.fstat  # as in conftest.py: no test waits for the disk itself
    import_all()
    gc.collect()
    gc.freeze()  # so that the forks share this memory
    asked, given = take_requests(socket.socket(fileno=int(sys.argv[1])))
    become(asked, given)
    run(asked["words"])
