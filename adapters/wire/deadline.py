"""A socket of which every wait ends at one moment, however slowly bytes come."""

import io
import socket
import time
from math import inf
from typing import Any


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
        """Send all of it."""
        self._arm()
        self._socket.sendall(data)

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


def open_socket(host: str, port: int, deadline: float) -> socket.socket:
    """A TCP connection to the first of a host's addresses that takes it.

    Raises OSError. The look-up of the name has the resolver's own time limit.
    """
    problem: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
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
