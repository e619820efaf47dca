"""A server that answers with the bytes it is given, as slowly and as brokenly as a test says."""

import gzip
import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Self

Script = Callable[[socket.socket, threading.Event], None]
"""Writes an answer into a connection; the event says that the test is over."""


class FaultyServer:
    """Serves one script to every request, from `with` to the end of its block.

    `script` may be set anew between two tests.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while request := _read_request(connection):
                self.requests.append(request)
                self.script(connection, self._over)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
    while missing > 0:
        piece = connection.recv(missing)
        if not piece:
            return b""
        data, missing = data + piece, missing - len(piece)
    return data


def respond(status: int = 200, body: Any = None, **headers: str) -> Script:
    """A whole answer, of JSON where the body is no bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return send(_head(status, {"Content-Length": str(len(data)), **_names(headers)}) + data)


def send(data: bytes, *, end: bool = False) -> Script:
    """These bytes; `end` closes the connection after them."""

    def script(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_RDWR)

    return script


def drip(data: bytes, seconds: float = 0.05, *, first: bytes = b"") -> Script:
    """A byte at a time, for ever: the last one again and again."""

    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        for byte in _for_ever(data):
            connection.sendall(byte)
            if over.wait(seconds):
                return

    return script


def flood(first: bytes, piece: bytes) -> Script:
    """A head, and then the same piece for ever."""

    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        while not over.is_set():
            connection.sendall(piece)

    return script


def reset(first: bytes = b"") -> Script:
    """Some bytes, and a reset instead of an end."""

    def script(connection: socket.socket, _: threading.Event) -> None:
        if first:
            connection.sendall(first)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return script


def stay_silent(first: bytes = b"") -> Script:
    """Some bytes, and then nothing until the test is over."""

    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        over.wait(60)

    return script


def head(status: int = 200, **headers: str) -> bytes:
    """The head of an answer; `_` in a name stands for `-`."""
    return _head(status, _names(headers))


def chunked(*pieces: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """An answer in chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head(Transfer_Encoding="chunked") + body + last


@cache
def bomb(megabytes: int) -> bytes:
    """So many megabytes of spaces, compressed to a thousandth."""
    return gzip.compress(b" " * (megabytes << 20), 9)


@cache
def deflate_bomb(megabytes: int) -> bytes:
    """The same without gzip's head."""
    return zlib.compress(b" " * (megabytes << 20), 9)


def _head(status: int, headers: dict[str, str]) -> bytes:
    given = {"Content-Type": "application/json", **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _for_ever(data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        yield data[index : index + 1]
    while True:
        yield data[-1:]
