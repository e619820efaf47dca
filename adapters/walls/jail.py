"""One command behind walls: `python -m adapters.walls.jail <descriptor>`, told what in JSON.

The command sees the machine read-only, but for the folders that it may write; hidden folders are
empty; it has no rights, no other process in view, and no network but the addresses it was granted.
What the machine does not allow is told in words, one line of JSON on the same descriptor.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from adapters.walls import kernel, wire

SCRATCH = ("/tmp", "/var/tmp", "/dev/shm", "/run")
"""Folders that everyone may write, or where services listen: replaced by empty ones."""
MEGABYTES = 512
NO_MOUNTS = "no mount namespace can be made: what it reads and writes elsewhere is not prevented"
NO_READ_ONLY = "the file system cannot be made read-only: what it writes elsewhere is not prevented"
NO_PROCESSES = "no process namespace can be made: other processes can be seen"
NO_NETWORK = "no network namespace can be made: it can reach any address"


def main() -> None:
    """Read what is wanted, build the walls, run the command, end with its exit code."""
    channel = int(sys.argv[1])
    with os.fdopen(os.dup(channel), "rb") as pipe:
        wanted = json.loads(pipe.readline())
    kernel.die_with_parent()
    kernel.bound_files(MEGABYTES)
    missing: list[str] = []
    listeners = _walls(wanted, missing)
    child = os.fork()  # the first process of the new process namespace: all end with it
    if child == 0:
        _first(wanted, listeners, missing, channel)
    os.close(channel)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _walls(wanted: dict[str, Any], missing: list[str]) -> list[tuple[socket.socket, str]]:
    """The namespaces; returns the sockets that lead to the addresses it was granted."""
    root = os.geteuid() == 0
    base = kernel.NEWNS | kernel.NEWPID | kernel.NEWIPC
    if not _tried(lambda: kernel.unshare(base | (0 if root else kernel.NEWUSER))):
        missing += [NO_MOUNTS, NO_PROCESSES]
        missing += [] if wanted["network"] else [NO_NETWORK]
        return []
    listeners = [] if wanted["network"] else _network(wanted, missing)
    if not _tried(kernel.keep_to_ourselves):
        missing.append(NO_MOUNTS)
        return listeners
    _mounts(wanted, missing)
    return listeners


def _network(wanted: dict[str, Any], missing: list[str]) -> list[tuple[socket.socket, str]]:
    if not (_tried(lambda: kernel.unshare(kernel.NEWNET)) and _tried(kernel.loopback_up)):
        missing.append(NO_NETWORK)
        return []
    return [(wire.listen_inside(port), path) for port, path in wanted["ways"]]


def _mounts(wanted: dict[str, Any], missing: list[str]) -> None:
    """Hide, and show again what lies inside the hidden and is needed: the deeper path decides."""
    shown = [*wanted["visible"], *wanted["writable"]]
    held = {path: os.open(path, os.O_PATH) for path in shown if os.path.exists(path)}
    if not _tried(lambda: kernel.set_read_only("/")):
        missing.append(NO_READ_ONLY)
    hidden = [path for path in (*SCRATCH, *wanted["hidden"]) if os.path.isdir(path)]
    for path in sorted({*held, *hidden}, key=lambda path: path.count("/")):
        if path in held:
            _show(path, held[path], path in wanted["writable"])
        # What is above it may have taken a hidden folder away already.
        if path in hidden and os.path.isdir(path):
            built = _tried(partial(kernel.mount_tmpfs, path, MEGABYTES))
            missing += [] if built else [f"{path} cannot be hidden"]
    for path in hidden:
        _close(path, wanted["writable"])
    if wanted["hosts"]:
        _tried(lambda: kernel.bind(wanted["hosts"], "/etc/hosts"))


def _close(path: str, writable: list[str]) -> None:
    """Scratch folders are for everyone; the rest stays empty, but for what is shown in it."""
    if path in SCRATCH:
        _tried(lambda: os.chmod(path, 0o1777))
    elif not any(inner.startswith(f"{path}/") for inner in writable):
        _tried(lambda: kernel.set_read_only(path))


def _show(path: str, fd: int, writable: bool) -> None:
    """Bind what a descriptor holds to where it was before its surroundings were hidden."""
    place, is_folder = Path(path), os.path.isdir(f"/proc/self/fd/{fd}")
    if not place.exists():
        (place if is_folder else place.parent).mkdir(parents=True, exist_ok=True)
        if not is_folder:
            place.touch()
    kernel.bind(f"/proc/self/fd/{fd}", path)
    kernel.set_read_only(path, not writable)
    os.close(fd)


def _first(
    wanted: dict[str, Any],
    listeners: list[tuple[socket.socket, str]],
    missing: list[str],
    channel: int,
) -> None:
    """Be the first process in there: start the command, carry its calls, wait for its end."""
    kernel.die_with_parent()
    code = 127
    try:
        if NO_PROCESSES not in missing and not _tried(kernel.mount_proc):
            missing.append(NO_PROCESSES)
        os.write(channel, json.dumps({"unbound": missing}).encode() + b"\n")
        os.close(channel)
        command = os.fork()
        if command == 0:
            _become(wanted, [listener.fileno() for listener, _ in listeners])
        for listener, path in listeners:
            wire.carry(listener, wire.to_unix(path))
        code = _wait_for(command)
    finally:
        os._exit(code)


def _become(wanted: dict[str, Any], leftover: list[int]) -> None:
    try:
        for fd in leftover:
            os.close(fd)
        kernel.give_up_rights()
        os.chdir(wanted["cwd"])
        os.execvpe(wanted["command"][0], wanted["command"], wanted["environment"])
    except OSError as error:
        os.write(2, f"{wanted['command'][0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _wait_for(command: int) -> int:
    """Reap whoever ends; the command's exit code. 128 and the signal where one ended it."""
    while True:
        pid, status = os.wait()
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _tried(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
