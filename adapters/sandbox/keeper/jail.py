"""The jail of a command: a view of the file system in which the sandbox's tree alone is writable.

Namespaces of its own for mounts, processes, host name, shared memory and, unless the task allows
the network, for that too. The tree appears at the path of the repository itself, so that what is
installed from there, or names files by their whole path, finds the sandbox's copy.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from . import syscalls as sys_

DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_SAFE = sys_.ATTR_NOSUID | sys_.ATTR_NODEV


class Jail(NamedTuple):
    """`tree` appears at `at`. `hidden` folders are empty; `shown` are there all the same."""

    tree: str
    at: str
    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    network: bool
    scratch_mb: int

    @classmethod
    def of(cls, told: dict[str, Any]) -> Jail:
        """From the request's JSON."""
        lists = {key: tuple(told[key]) for key in ("hidden", "shown")}
        return cls(told["tree"], told["at"], **lists, network=told["network"],
                   scratch_mb=told["scratch_mb"])  # fmt: skip


def enter(jail: Jail) -> None:
    """Put this process in the jail, but for its process namespace, which its next child enters.

    Raises OSError where this machine does not allow it.
    """
    flags = sys_.NEWNS | sys_.NEWUTS | sys_.NEWIPC | sys_.NEWPID
    user, group = os.geteuid(), os.getegid()
    sys_.unshare(flags | (0 if jail.network else sys_.NEWNET) | (sys_.NEWUSER if user else 0))
    if user:
        _map_to_itself(user, group)
    if not jail.network:
        sys_.raise_loopback()
    sys_.mount("", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    _arrange(jail)


def finish() -> None:
    """As the first process of the namespace: see its own processes only, and give up all power.

    Nothing of /proc can be written: it holds settings of the whole machine.
    """
    flags = sys_.MS_RDONLY | sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC
    sys_.mount("proc", "/proc", "proc", flags)
    sys_.drop_capabilities()


def _map_to_itself(user: int, group: int) -> None:
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{file}", "wb") as handle:
            handle.write(text.encode())


def _arrange(jail: Jail) -> None:
    """Take copies of what stays, make everything read-only, cover what is hidden, put copies."""
    tree = sys_.clone_mount(jail.tree)
    shown = {path: sys_.clone_mount(path) for path in jail.shown if os.path.exists(path)}
    devices = {name: sys_.clone_mount(f"/dev/{name}") for name in DEVICES}
    sys_.set_mount(-1, "/", _SAFE | sys_.ATTR_RDONLY)
    for path in sorted(jail.hidden):
        if os.path.isdir(path) and not os.path.islink(path):
            _cover(path, jail.scratch_mb)
    os.makedirs(jail.at, exist_ok=True)
    sys_.set_mount(tree, "", _SAFE)
    sys_.put_mount(tree, jail.at)
    for path, fd in sorted(shown.items()):
        sys_.set_mount(fd, "", _SAFE | sys_.ATTR_RDONLY)
        if not os.path.isdir(path):
            os.makedirs(path, exist_ok=True)
        sys_.put_mount(fd, path)
    _make_devices(devices, jail.scratch_mb)


def _cover(path: str, scratch_mb: int) -> None:
    data = f"size={scratch_mb}m,mode=1777"
    sys_.mount("tmpfs", path, "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, data)


def _make_devices(devices: dict[str, int], scratch_mb: int) -> None:
    _cover("/dev", scratch_mb)
    for name, fd in devices.items():
        # Without an encoding, which could not be loaded where Python's own folder is covered.
        os.close(os.open(f"/dev/{name}", os.O_WRONLY | os.O_CREAT, 0o644))
        sys_.put_mount(fd, f"/dev/{name}")
    for name, target in LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir("/dev/shm", 0o1777)
