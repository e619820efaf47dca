"""The granted addresses: a socket file for each, behind which our process makes the connection.

The sandbox has no network but a loopback of its own. `inside/forward.py` listens there and carries
each connection to the socket file of its port; nothing else leads out. Every granted name leads to
that loopback.
"""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from adapters.sandbox import inside
from adapters.sandbox.bubblewrap import describe_waiver
from adapters.sandbox.inside.forward import carry
from adapters.sandbox.policy import INSIDE, SandboxMount, SandboxPolicy, show
from adapters.sandbox.view import interpreter_folders

CODE = Path(inside.__path__[0])
SHOWN_CODE = INSIDE / "code" / "sandbox" / "inside"
SOCKETS = INSIDE / "net"
CONNECT_SECONDS = 30.0
Address = tuple[str, int]


class GrantedNetwork(NamedTuple):
    """What a sandbox needs for its addresses: mounts, and words before the command's own."""

    mounts: tuple[SandboxMount, ...]
    words: tuple[str, ...]


def worker_words(interpreter: str, module: str) -> tuple[str, ...]:
    """The command that starts a module of ours inside, under this interpreter."""
    return (interpreter, "-I", "-S", "-B", str(SHOWN_CODE / "start.py"), module)


@contextmanager
def granted_network(
    policy: SandboxPolicy, interpreter: str, lookup: Callable[[Address], Address] = lambda a: a
) -> Iterator[GrantedNetwork]:
    """Open the ways out of a sandbox, until the block ends.

    `lookup` gives the address to connect to, at each connection.
    """
    if not policy.network or describe_waiver():
        yield GrantedNetwork((), ())
        return
    listeners: list[socket.socket] = []
    with TemporaryDirectory(prefix="prompt-lab-net-") as folder:
        try:
            ways = []
            for number, address in enumerate(policy.network):
                listeners.append(_listen(Path(folder, str(number))))
                carry(listeners[-1], _connector(address, lookup))
                ways.append((address[1], str(SOCKETS / str(number))))
            hosts = Path(folder, "hosts")
            hosts.write_text(_hosts(policy.network), "utf-8")
            mounts = (
                SandboxMount(Path(folder), SOCKETS),
                SandboxMount(hosts, Path("/etc/hosts")),
                SandboxMount(CODE, SHOWN_CODE),
                *show(*interpreter_folders(Path(interpreter))),
            )
            words = (*worker_words(interpreter, "sandbox.inside.forward"), json.dumps(ways))
            yield GrantedNetwork(mounts, words)
        finally:
            for listener in listeners:
                listener.close()


def _connector(
    address: Address, lookup: Callable[[Address], Address]
) -> Callable[[], socket.socket]:
    return lambda: socket.create_connection(lookup(address), timeout=CONNECT_SECONDS)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


def _hosts(addresses: Sequence[Address]) -> str:
    names = " ".join(dict.fromkeys(["localhost", *(host for host, _ in addresses)]))
    return f"127.0.0.1 {names}\n"
