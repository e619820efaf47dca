"""The few system calls of Linux that Python 3.11 has no name for."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import signal
import socket
import struct

NEWNS, NEWUTS, NEWIPC = 0x00020000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4

_CLONE = {
    "x86_64": 56, "aarch64": 220, "riscv64": 220, "loongarch64": 220, "ppc64le": 120, "armv7l": 120,
}.get(platform.machine(), 0)  # fmt: skip
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Give this process namespaces of its own. Raises OSError."""
    _check_call(_libc.unshare(flags), "unshare")


def fork_apart(flags: int) -> int:
    """os.fork, with the child in namespaces of its own from its first moment. Raises OSError.

    Of a process with one thread only: no handler of Python runs at the fork.
    """
    if not _CLONE:
        raise OSError(errno.ENOSYS, f"no number of clone(2) is known for {platform.machine()}")
    words = [ctypes.c_ulong(flags | signal.SIGCHLD), *[ctypes.c_ulong(0)] * 4]
    return _check_call(_libc.syscall(ctypes.c_long(_CLONE), *words), "clone")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2). Raises OSError."""
    words = [word.encode() if word else None for word in (source, target, kind)]
    done = _libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None)
    _check_call(done, f"mount {target}")


def bind(fd: int, path: str) -> None:
    """Show what a descriptor holds, with all that is mounted in it, at a path. Raises OSError."""
    mount(f"/proc/self/fd/{fd}", path, "", MS_BIND | MS_REC)


def set_mount(path: str, add: int = 0, clear: int = 0, deep: bool = True) -> None:
    """Add and clear attributes of the mount at a path, and of all below it. Raises OSError."""
    wanted = struct.pack("QQQQ", add, clear, 0, 0)
    size, flags = ctypes.c_size_t(len(wanted)), _AT_RECURSIVE if deep else 0
    number = ctypes.c_long(_MOUNT_SETATTR)
    done = _libc.syscall(number, _AT_FDCWD, path.encode(), flags, wanted, size)
    _check_call(done, f"mount_setattr {path}")


def drop_capabilities() -> None:
    """Give up every capability permanently, whatever user this is."""
    for number in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break
    _check_call(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check_call(_libc.capset(header, struct.pack("IIIIII", *([0] * 6))), "capset")


def raise_loopback() -> None:
    """Make 127.0.0.1 work in a network of our own. Raises OSError."""
    with socket.socket() as probe:
        known = fcntl.ioctl(probe, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", known)[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def _check_call(done: int, what: str) -> int:
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return done
