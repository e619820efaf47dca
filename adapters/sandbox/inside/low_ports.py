"""`low_ports.py <pid>`: let the network namespace of a process listen below port 1024.

Run outside, as its creator: inside no process has the right to, as it should be. Needs Linux.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys

_NS_GET_USERNS, _NEWUSER, _NEWNET = 0xB701, 0x10000000, 0x40000000
_SETTING = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def main(pid: str) -> None:
    """Enter the namespace's owner, then the namespace, and set it. Raises OSError."""
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    owner = fcntl.ioctl(network, _NS_GET_USERNS)
    libc = ctypes.CDLL(None, use_errno=True)
    for fd, kind in ((owner, _NEWUSER), (network, _NEWNET)):
        if libc.setns(fd, kind) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    with open(_SETTING, "w") as file:
        file.write("0")


if __name__ == "__main__":
    main(sys.argv[1])
