"""`start.py sandbox.inside.forward <ports as JSON> command …`: the way to the granted addresses.

The sandbox has a loopback of its own and nothing else. This listens there on each granted port and
carries what comes to a socket file, behind which our process connects to the one address that the
file stands for. Then it runs the command.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from . import tree

CHUNK = 1 << 16
NOT_STARTED = 127


def serve() -> None:
    """Listen, run the command, and end with its exit code."""
    ways, command = json.loads(sys.argv[2]), sys.argv[3:]
    listeners = [(listen_on(port), path) for port, path in ways]
    child = os.fork()
    if child == 0:
        _become(command, [listener.fileno() for listener, _ in listeners])
    tree.set_dumpable(False)  # the command may not open what this process holds
    kept = {listener.fileno() for listener, _ in listeners}
    for name in os.listdir("/proc/self/fd"):  # what the command holds is the command's alone
        if int(name) > 2 and int(name) not in kept:
            with suppress(OSError):
                os.close(int(name))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for listener, path in listeners:
        carry(listener, connect_to(path))
    _, status = os.waitpid(child, 0)
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    os._exit(code if code >= 0 else 128 - code)


def listen_on(port: int) -> socket.socket:
    """A listening socket on loopback."""
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def connect_to(path: str) -> Callable[[], socket.socket]:
    """Connects to a socket that is a file."""

    def connect() -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.connect(path)
        return line

    return connect


def carry(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Lead every connection to where `connect` leads, until the listener is closed."""
    threading.Thread(target=_accept, args=(listener, connect), daemon=True).start()


def _become(command: list[str], leftover: list[int]) -> NoReturn:
    try:
        for fd in leftover:
            os.close(fd)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]!r} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def _accept(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_connect_pair, args=(near, connect), daemon=True).start()


def _connect_pair(near: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with near:
        try:
            far = connect()
        except OSError:
            return
        with far:
            far.settimeout(None)
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while True:
            data = source.recv(CHUNK)
            if not data:
                break
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
