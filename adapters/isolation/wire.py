"""Bytes carried from one socket to another: how a process without a network reaches one address."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CHUNK = 1 << 16


def listen_unix(path: Path) -> socket.socket:
    """A listening socket that is a file."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


def listen_inside(port: int) -> socket.socket:
    """A listening socket on loopback."""
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def to_unix(path: str) -> Callable[[], socket.socket]:
    """Connects to a socket that is a file."""

    def connect() -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.connect(path)
        return line

    return connect


def to_host(host: str, port: int) -> Callable[[], socket.socket]:
    """Connects to an address."""
    return lambda: socket.create_connection((host, port), timeout=30)


def carry(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Lead every connection to where `connect` leads, until the listener is closed."""
    threading.Thread(target=_accept, args=(listener, connect), daemon=True).start()


def _accept(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_connect_pair, args=(near, connect), daemon=True).start()


def _connect_pair(near: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with near:
        try:
            far = connect()
        except OSError:
            return
        with far:
            far.settimeout(None)
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
