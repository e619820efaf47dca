"""One command in its sandbox: `start.py isolation.launcher <descriptor>`, with a job in JSON.

It builds the jail, carries connections to the granted addresses, and ends with all that the command
began. What the machine does not allow is reported, one line of JSON on the same descriptor.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any, NoReturn

from ..bounds import cgroups, tree
from . import wire
from .jail import NO_NETWORK, Builder, Jail

Listeners = list[tuple[socket.socket, str]]


def serve() -> None:
    """Read what is wanted, build the walls, run the command, end with its exit code."""
    channel = int(sys.argv[2])
    with os.fdopen(os.dup(channel), "rb") as pipe:
        wanted = json.loads(pipe.readline())
    tree.die_with_parent(wanted["parent"])
    jail = Jail.from_json(wanted["jail"])
    cgroups.set_rlimits(0, jail.scratch_mb)
    builder = Builder(jail)
    builder.separate()
    listeners: Listeners = []
    if not jail.network and NO_NETWORK not in builder.missing:
        listeners = [(wire.listen_inside(port), path) for port, path in wanted["ways"]]
    builder.arrange()
    child = os.fork()  # the first process of the new process namespace: all end with it
    if child == 0:
        _run_first_process(wanted, builder, listeners, channel)
    os.close(channel)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _run_first_process(
    wanted: dict[str, Any], builder: Builder, listeners: Listeners, channel: int
) -> NoReturn:
    """Be the first process in there: start the command, carry its calls, wait for its end."""
    code = 127
    try:
        tree.die_with_parent(os.getppid())
        builder.finish()
        os.write(channel, json.dumps({"unbound": builder.missing}).encode() + b"\n")
        os.close(channel)
        command = os.fork()
        if command == 0:
            _become(wanted, [listener.fileno() for listener, _ in listeners])
        for listener, path in listeners:
            wire.carry(listener, wire.to_unix(path))
        code = _wait_for(command)
    finally:
        os._exit(code)


def _become(wanted: dict[str, Any], leftover: list[int]) -> NoReturn:
    try:
        for fd in leftover:
            os.close(fd)
        os.chdir(wanted["cwd"])
        os.execvpe(wanted["command"][0], wanted["command"], wanted["environment"])
    except OSError as error:
        os.write(2, f"{wanted['command'][0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _wait_for(command: int) -> int:
    """Reap processes; the command's exit code, or 128 and the signal that ended it."""
    while True:
        pid, status = os.wait()
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
