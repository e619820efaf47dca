"""What a command may see and reach, and how that is sent to the process that enforces it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.isolation import wire
from adapters.isolation.jail import Jail

SCRATCH_MB = 512
"""Of a file, and of each folder for temporary files."""


@dataclass(frozen=True)
class SandboxPolicy:
    """What a command may see and reach. Paths are absolute.

    `hidden` folders are empty for it, but for what is `visible` (read-only) or `writable` in
    them, and `hidden` files cannot be opened; everything else is read-only. `network` None is the
    whole network; else the (host, port) pairs that alone it can reach.
    """

    hidden: tuple[Path, ...] = ()
    visible: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    network: tuple[tuple[str, int], ...] | None = None


@contextmanager
def ways_of(walls: SandboxPolicy, folder: str) -> Iterator[dict[str, object]]:
    """The jail in JSON, with a socket file in `folder` for each address that can be reached."""
    listeners: list[socket.socket] = []
    try:
        ways: list[tuple[int, str]] = []
        hosts = ""
        if walls.network is not None:
            ways, hosts = _network(walls.network, Path(folder), listeners)
        jail = Jail(
            hidden=tuple(map(str, walls.hidden)),
            shown=(*map(str, walls.visible), folder),
            writable=tuple((str(path), str(path)) for path in walls.writable),
            network=walls.network is None,
            scratch_mb=SCRATCH_MB,
            whole=False,
            hosts=hosts,
        )
        yield {"jail": jail._asdict(), "ways": ways}
    finally:
        for listener in listeners:
            listener.close()


def _network(
    addresses: tuple[tuple[str, int], ...], folder: Path, listeners: list[socket.socket]
) -> tuple[list[tuple[int, str]], str]:
    """(a socket file for each port, the hosts file that leads every name to loopback)."""
    ways = []
    for number, (host, port) in enumerate(addresses):
        path = folder / str(number)
        listeners.append(wire.listen_unix(path))
        wire.carry(listeners[-1], wire.to_host(host, port))
        ways.append((port, str(path)))
    names = " ".join(dict.fromkeys(["localhost", *(host for host, _ in addresses)]))
    (folder / "hosts").write_text(f"127.0.0.1 {names}\n")
    return ways, str(folder / "hosts")


def read_unenforced(channel: socket.socket) -> list[str]:
    """What was said of walls that could not be built."""
    channel.settimeout(1.0)
    with suppress(OSError, ValueError), channel.makefile("rb") as pipe:
        said: list[str] = json.loads(pipe.readline() or b"{}").get("unbound", [])
        return said
    return []
