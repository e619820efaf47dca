"""System calls that no namespace holds back, refused by a filter (seccomp, classic BPF).

Refused are keyrings, debugging of other processes, io_uring (which no filter sees), kinds of
sockets that a network namespace does not separate (such as vsock), and making a file setuid: who
runs it outside would be its owner. Numbers: arch/*/include of Linux; layout: seccomp(2), bpf(2).
"""

import errno
import platform
import struct
from collections.abc import Sequence

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _AND, _JUMP_EQUAL, _JUMP_SET, _JUMP_ABOVE, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_SETUID_BITS, _CREATING = 0o6000, 0o100 | 0o20000000  # O_CREAT, O_TMPFILE
_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_X32 = 0x40000000
_COMMON = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
           "pidfd_getfd": 438, "openat2": 437, "fchmodat2": 452}  # fmt: skip
_MACHINES = {
    "x86_64": (0xC000003E, {
        **_COMMON, "open": 2, "socket": 41, "creat": 85, "chmod": 90, "fchmod": 91, "ptrace": 101,
        "mknod": 133, "add_key": 248, "request_key": 249, "keyctl": 250, "openat": 257,
        "mknodat": 259, "fchmodat": 268, "perf_event_open": 298, "process_vm_readv": 310,
        "process_vm_writev": 311, "bpf": 321, "userfaultfd": 323}),
    "aarch64": (0xC00000B7, {
        **_COMMON, "mknodat": 33, "fchmod": 52, "fchmodat": 53, "openat": 56, "ptrace": 117,
        "socket": 198, "add_key": 217, "request_key": 218, "keyctl": 219, "perf_event_open": 241,
        "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "userfaultfd": 282}),
}  # fmt: skip
_MODE_ARGUMENT = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mknod": 1, "mknodat": 2,
                  "creat": 1}  # fmt: skip
_OPEN_ARGUMENTS = {"open": (1, 2), "openat": (2, 3)}
_ABSENT = ("openat2",)
"""Reported as unknown, upon which programs use the older call."""

NO_FILTER = "system calls are not filtered: no filter is known for this machine's architecture"


def filter_program(machine: str = platform.machine()) -> bytes:
    """The filter for `bwrap --seccomp`; b'' where the machine's numbers are not known."""
    if machine not in _MACHINES:
        return b""
    arch, numbers = _MACHINES[machine]
    refuse = _ERRNO | errno.EPERM
    code = [
        (_LOAD, 0, 0, _ARCH_AT), (_JUMP_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER_AT), (_JUMP_ABOVE, 0, 1, _X32),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]  # fmt: skip
    for name, number in numbers.items():
        if name in _MODE_ARGUMENT:
            body = _refuse_bits(_MODE_ARGUMENT[name])
        elif name in _OPEN_ARGUMENTS:
            flags, mode = _OPEN_ARGUMENTS[name]
            body = [*_argument(flags), (_JUMP_SET, 0, 3, _CREATING), *_refuse_bits(mode)]
        elif name == "socket":
            body = _families()
        else:
            body = [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS if name in _ABSENT else refuse)]
        body = [*body, (_RETURN, 0, 0, _ALLOW)]
        code += [(_JUMP_EQUAL, 0, len(body), number), *body]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def _argument(index: int) -> list[tuple[int, int, int, int]]:
    """Load the low half of an argument; both machines are little-endian."""
    return [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)]


def _refuse_bits(mode: int) -> list[tuple[int, int, int, int]]:
    return [
        *_argument(mode),
        (_JUMP_SET, 0, 1, _SETUID_BITS),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]


def _families(allowed: Sequence[int] = _FAMILIES) -> list[tuple[int, int, int, int]]:
    code = _argument(0)
    for at, family in enumerate(allowed):
        code.append((_JUMP_EQUAL, len(allowed) - at, 0, family))
    return [*code, (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT)]
