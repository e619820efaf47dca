"""The jail of a command: what it sees of the machine's files, processes and network.

Everything is read-only but for what it may write; hidden folders and `/run` are empty; `/tmp` and
its like are its own; of the devices there are those that hold nothing. Standard library only, with
relative imports: the sandbox's keeper and the launcher load it under a private name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from . import syscalls as sys_

SCRATCH = ("/tmp", "/var/tmp")
HIDDEN = ("/run", "/root", "/home")
SECRETS = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers",
    "/etc/sudoers.d", "/etc/ssl/private", "/etc/letsencrypt", "/etc/krb5.keytab",
)  # fmt: skip
"""What root alone may read of a machine: a command of root's could, whatever rights it has not."""
HOST_KEYS = "/etc/ssh"
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_SAFE = sys_.ATTR_NOSUID | sys_.ATTR_NODEV
NO_MOUNTS = "no mount namespace can be made: what it reads and writes elsewhere is not prevented"
NO_READ_ONLY = "the file system cannot be made read-only: what it writes elsewhere is not prevented"
NO_PROCESSES = "no process namespace can be made: other processes can be seen"
NO_NETWORK = "no network namespace can be made: it can reach any address"
NO_DEVICES = "the devices cannot be hidden: root can read and write disks"
NO_DROP = "its rights cannot be reduced: it has those of the lab"


class Jail(NamedTuple):
    """What a command sees. Paths are absolute; where two cover each other the deeper one decides.

    `hidden` folders are empty beside HIDDEN, and `hidden` files cannot be opened; `shown` paths can
    be read in them, and `writable` are (folder, where it appears). `network`: it has the machine's.
    `hosts` stands for /etc/hosts.
    `whole`: what the machine does not allow is an OSError, not a word in `Builder.missing`.
    """

    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    writable: tuple[tuple[str, str], ...]
    network: bool
    scratch_mb: int
    whole: bool
    hosts: str = ""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Jail:
        """From JSON."""
        hidden, shown = (tuple(told[key]) for key in ("hidden", "shown"))
        writable = tuple((source, at) for source, at in told["writable"])
        return cls(hidden, shown, writable, told["network"], told["scratch_mb"], told["whole"],
                   told["hosts"])  # fmt: skip


class Builder:
    """Builds a jail around this process: `separate`, `arrange`, then `finish` in its next child.

    Where the process was begun by `fork_apart` it is `finish`ed itself, being the first one.
    """

    def __init__(self, jail: Jail) -> None:
        self.missing: list[str] = []
        self._jail = jail
        self._own_mounts = self._own_processes = False

    def separate(self, apart: tuple[int, int] | None = None) -> None:
        """Leave the machine's namespaces; that of processes is left by this process' next child.

        `apart`: (user, group) that this process had before `fork_apart`, if it was begun so.
        """
        leave = _unshare if apart is None else partial(_map_us, *apart)
        if self._attempt(leave, NO_MOUNTS, NO_PROCESSES):
            self._own_processes = True
            private = partial(sys_.mount, "", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
            self._own_mounts = self._attempt(private, NO_MOUNTS)
        if not self._jail.network:
            self._attempt(_leave_network, NO_NETWORK)

    def arrange(self) -> None:
        """Put the mounts. Imports nothing: Python's own folder may be covered meanwhile."""
        if not self._own_mounts:
            return  # they would be the machine's
        jail = self._jail
        views = {path: (path, False) for path in jail.shown}
        views |= {at: (source, True) for source, at in jail.writable}
        held = {
            at: _open_path(source) for at, (source, _) in views.items() if os.path.exists(source)
        }
        devices = {name: f"/dev/{name}" for name in DEVICES}
        kept = {name: _open_path(path) for name, path in devices.items() if os.path.exists(path)}
        hosts = _open_path(jail.hosts) if jail.hosts else -1
        self._attempt(partial(sys_.set_mount, "/", _SAFE | sys_.ATTR_RDONLY), NO_READ_ONLY)
        empty = {os.path.realpath(path) for path in (*SCRATCH, *HIDDEN, *jail.hidden)}
        covered = []
        for path in sorted({*held, *empty}, key=lambda path: path.count("/")):
            # What is above it may have taken a hidden folder away already.
            if path in empty and not (path in held and views[path][1]) and os.path.isdir(path):
                self._attempt(partial(_cover, path, jail.scratch_mb), f"{path} cannot be hidden")
                covered.append(path)
            elif path in empty and path not in held and os.path.isfile(path):
                # A device behind ATTR_NODEV: it cannot even be opened.
                self._attempt(partial(sys_.bind, kept["null"], path), f"{path} cannot be hidden")
            elif path in held:
                show = partial(_show, path, held[path], views[path][1])
                self._attempt(show, f"{path} cannot be shown")
        for path in _secrets():
            if not any(at == path or path.startswith(f"{at}/") for at in (*views, *covered)):
                self._attempt(partial(_blank, path), f"{path} cannot be hidden")
        self._attempt(partial(_make_devices, kept, jail.scratch_mb), NO_DEVICES)
        for path in (*covered, "/dev"):
            if path not in SCRATCH:
                self._attempt(partial(_close, path), NO_READ_ONLY)
        if jail.hosts:
            self._attempt(partial(sys_.bind, hosts, "/etc/hosts"), "no name leads to its addresses")

    def finish(self) -> None:
        """As the first process of the namespace: see its own processes only, give up all power.

        Nothing of /proc can be written: it holds settings of the whole machine.
        """
        if self._own_mounts and self._own_processes:
            flags = sys_.MS_RDONLY | sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC
            self._attempt(partial(sys_.mount, "proc", "/proc", "proc", flags), NO_PROCESSES)
        self._attempt(sys_.drop_capabilities, NO_DROP)

    def _attempt(self, attempt: Callable[[], object], *words: str) -> bool:
        try:
            attempt()
        except OSError:
            if self._jail.whole:
                raise
            self.missing += [word for word in words if word not in self.missing]
            return False
        return True


def fork_apart() -> int:
    """Like os.fork, with the child in a jail's namespaces, to be built by it. Raises OSError."""
    return sys_.fork_apart(_flags(os.geteuid()))


def _flags(user: int) -> int:
    """Root needs no user namespace, in which it would own less."""
    return sys_.NEWNS | sys_.NEWUTS | sys_.NEWIPC | sys_.NEWPID | (sys_.NEWUSER if user else 0)


def _unshare() -> None:
    user, group = os.geteuid(), os.getegid()
    sys_.unshare(_flags(user))
    _map_us(user, group)


def _map_us(user: int, group: int) -> None:
    if user:
        for file, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{file}", "wb") as handle:
                handle.write(text.encode())


def _leave_network() -> None:
    sys_.unshare(sys_.NEWNET)
    sys_.raise_loopback()


def _open_path(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _cover(path: str, scratch_mb: int) -> None:
    data = f"size={scratch_mb}m,mode={'1777' if path in SCRATCH else '755'}"
    sys_.mount("tmpfs", path, "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, data)


def _secrets() -> list[str]:
    """Those that are there, and the machine's own keys."""
    keys: list[str] = []
    if os.path.isdir(HOST_KEYS):
        names = sorted(os.listdir(HOST_KEYS))
        keys = [f"{HOST_KEYS}/{name}" for name in names if name.endswith("_key")]
    return [path for path in (*SECRETS, *keys) if os.path.exists(path)]


def _blank(path: str) -> None:
    """Show nothing at a path: an empty folder, or what /dev/null holds."""
    if os.path.isdir(path):
        _cover(path, 1)
        _close(path)
    else:
        null = _open_path("/dev/null")
        sys_.bind(null, path)
        os.close(null)


def _close(path: str) -> None:
    """What was shown in it is a mount of its own, and stays as it is."""
    sys_.set_mount(path, sys_.ATTR_RDONLY, deep=False)


def _show(path: str, fd: int, writable: bool) -> None:
    """Put what a descriptor holds where the command is to find it."""
    if not os.path.exists(path):
        folder = os.path.isdir(f"/proc/self/fd/{fd}")
        os.makedirs(path if folder else os.path.dirname(path), exist_ok=True)
        if not folder:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    sys_.bind(fd, path)
    if writable:
        sys_.set_mount(path, _SAFE, clear=sys_.ATTR_RDONLY)
    else:
        sys_.set_mount(path, _SAFE | sys_.ATTR_RDONLY)


def _make_devices(devices: dict[str, int], scratch_mb: int) -> None:
    _cover("/dev", scratch_mb)
    for name, fd in devices.items():
        # Without an encoding, which could not be loaded where Python's own folder is covered.
        os.close(os.open(f"/dev/{name}", os.O_WRONLY | os.O_CREAT, 0o644))
        sys_.bind(fd, f"/dev/{name}")
        sys_.set_mount(f"/dev/{name}", clear=sys_.ATTR_NODEV)
    for name, target in LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir("/dev/shm")
    data = f"size={scratch_mb}m,mode=1777"
    sys_.mount("tmpfs", "/dev/shm", "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, data)
