"""A socket of which every wait ends at one moment, however slowly bytes come."""

import io
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

PIECE = 65536
Resolve = Callable[[str, int], list[Any]]
"""(host, port) -> entries as socket.getaddrinfo gives them. Raises OSError."""


class DeadlineSocket:
    """What http.client needs of a socket, with a deadline instead of a time limit for each wait.

    `deadline` is a moment of time.monotonic(). Waits beyond it raise TimeoutError.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.deadline = inf
        self._socket = connection
        self._readers = 0
        self._closed = False

    def sendall(self, data: bytes) -> None:
        """Send all of it. Over TLS a socket's own sendall() has its time limit for each record."""
        view = memoryview(data)
        while view:
            self._arm()
            view = view[self._socket.send(view[:PIECE]) :]

    def receive_into(self, buffer: Any) -> int:
        """Bytes received, 0 at the end."""
        self._arm()
        return self._socket.recv_into(buffer)

    def makefile(self, _mode: str = "rb") -> io.BufferedReader:
        """What an HTTPResponse reads from."""
        self._readers += 1
        return io.BufferedReader(_SocketReader(self))

    def fileno(self) -> int:
        """The file descriptor, -1 when closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close it, once nothing reads from it any more."""
        self._closed = True
        self._close_unread()

    def detach(self) -> socket.socket:
        """The socket itself, which this object does not close any more."""
        return self._socket

    def release_reader(self) -> None:
        """A reader is done."""
        self._readers -= 1
        self._close_unread()

    def _close_unread(self) -> None:
        if self._closed and not self._readers:
            self._socket.close()

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self._socket.settimeout(None if left == inf else left)


class _SocketReader(io.RawIOBase):
    def __init__(self, owner: DeadlineSocket) -> None:
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._owner.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._owner.release_reader()


def look_up(host: str, port: int) -> list[Any]:
    """The TCP addresses of a host, in the order in which to try them. Raises OSError."""
    return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)


def open_socket(host: str, port: int, deadline: float, resolve: Resolve = look_up) -> socket.socket:
    """A TCP connection to the first of a host's addresses that takes it. Raises OSError."""
    problem: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, place in _resolve_in_time(host, port, deadline, resolve):
        connection = socket.socket(family, kind, protocol)
        try:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline is over")
            connection.settimeout(left)
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            problem = error
            connection.close()
    raise problem


def _resolve_in_time(host: str, port: int, deadline: float, resolve: Resolve) -> list[Any]:
    """The resolver has time limits of its own, of half a minute: it is left behind at ours."""
    with suppress(ValueError):
        ip_address(host)
        return resolve(host, port)
    found: SimpleQueue[list[Any] | OSError] = SimpleQueue()

    def run() -> None:
        try:
            found.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            found.put(error if isinstance(error, OSError) else OSError("no name of a host"))

    Thread(target=run, daemon=True).start()
    try:
        addresses = found.get(timeout=max(0.0, deadline - time.monotonic()))
    except Empty:
        raise TimeoutError("the deadline is over") from None
    if isinstance(addresses, OSError):
        raise addresses
    return addresses
