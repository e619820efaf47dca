"""What Linux offers to wall a process in, and Python 3.11 does not: namespaces, mounts, rights."""

import ctypes
import os
import resource
from contextlib import suppress
from pathlib import Path

NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_BIND, _REC, _PRIVATE, _NOSUID, _NODEV = 0x1000, 0x4000, 0x40000, 2, 4
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _RDONLY = 442, -100, 0x8000, 1
_NO_NEW_PRIVS, _CAPBSET_DROP, _PDEATHSIG = 38, 24, 1
_UP, _GET_FLAGS, _SET_FLAGS = 1, 0x8913, 0x8914
_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def unshare(flags: int) -> None:
    """Leave the namespaces that are named. Raises OSError."""
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(ctypes.c_int(flags)):
        raise _error("unshare")
    if flags & NEWUSER:
        with suppress(OSError):
            Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def keep_to_ourselves() -> None:
    """No mount of ours is seen outside, nor the other way round. Raises OSError."""
    _mount("none", "/", "", _REC | _PRIVATE)


def mount_tmpfs(path: str, megabytes: int) -> None:
    """An empty file system of its own over a folder. Raises OSError."""
    _mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV, f"size={megabytes}m,mode=755")


def mount_proc() -> None:
    """A view of the processes of our own namespace only. Raises OSError."""
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV)


def bind(source: str, path: str) -> None:
    """Show a file or folder at another place too. Raises OSError."""
    _mount(source, path, "", _BIND | _REC)


def set_read_only(path: str, wanted: bool = True) -> None:
    """Forbid or allow writing below a mount, with all that is mounted there. Raises OSError."""
    one = _Attributes(_RDONLY if wanted else 0, 0 if wanted else _RDONLY, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(one))
    if _libc.syscall(
        _MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, ctypes.byref(one), size
    ):
        raise _error(f"mount_setattr {path}")


def loopback_up() -> None:
    """Switch the loopback of a new network namespace on. Raises OSError."""
    import fcntl  # noqa: PLC0415 -- not on every system
    import socket  # noqa: PLC0415

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        asked = b"lo".ljust(16, b"\0")
        told = fcntl.ioctl(line, _GET_FLAGS, asked + bytes(24))
        flags = int.from_bytes(told[16:18], "little") | _UP
        fcntl.ioctl(line, _SET_FLAGS, asked + flags.to_bytes(2, "little") + bytes(22))


def give_up_rights() -> None:
    """No program started from here has a capability, not even as root; nor gains any."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0):
            break
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)


def die_with_parent() -> None:
    """End as soon as the process that started us has ended."""
    _libc.prctl(_PDEATHSIG, 9, 0, 0, 0)


def bound_files(megabytes: int) -> None:
    """No file grows beyond that, and a crash leaves none behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (megabytes << 20, megabytes << 20))


def _mount(source: str, path: str, kind: str, flags: int, data: str = "") -> None:
    if _libc.mount(
        source.encode(), path.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
    ):
        raise _error(f"mount {path}")


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
