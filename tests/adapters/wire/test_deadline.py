"""Every wait of a call ends at one moment: of a name, of a proxy, of a server that reads slowly."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.wire.connections import Connections, WireRequest
from adapters.wire.deadline import DeadlineSocket, open_socket
from adapters.wire.retry import ConnectError, ReadTimeout
from adapters.wire.routes import ServerRoute
from tests.adapters.llm.faulty_server import FaultyServer, drip

SECONDS, SLACK = 0.4, 4.0


@pytest.fixture
def begun() -> Iterator[float]:
    """The moment at which a test begins; it fails where the test outlives the deadline by far."""
    now = time.monotonic()
    yield now
    assert time.monotonic() - now < SECONDS + SLACK


def test_6_a_look_up_that_hangs_is_left_behind(begun: float) -> None:
    over = threading.Event()

    def hang(_host: str, _port: int) -> list[Any]:
        over.wait(60)
        return []

    with pytest.raises(TimeoutError):
        open_socket("model.example", 80, begun + SECONDS, hang)
    over.set()


def test_a_look_up_that_fails_says_so(begun: float) -> None:
    def fail(host: str, _port: int) -> list[Any]:
        raise socket.gaierror(-2, f"{host} is not known")

    with pytest.raises(socket.gaierror):
        open_socket("model.example", 80, begun + 60, fail)


def test_a_look_up_is_used_and_a_number_needs_no_thread(begun: float) -> None:
    threads: set[int] = set()

    def resolve(_host: str, port: int) -> list[Any]:
        threads.add(threading.get_ident())
        return socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        open_socket("model.example", port, begun + 60, resolve).close()
        assert threading.get_ident() not in threads
        open_socket("127.0.0.1", port, begun + 60, resolve).close()
        assert threading.get_ident() in threads


def test_6_a_proxy_that_drips_has_the_deadline_of_the_call(begun: float) -> None:
    with FaultyServer(drip(b"HTTP/1.1 200 OK\r\na: bbb", 0.02)) as proxy:
        route = ServerRoute("https", "model.example", 443, proxy.address)
        with pytest.raises(TimeoutError):
            route.connect(begun + SECONDS)
        assert proxy.requests[0].startswith(b"CONNECT model.example:443")


def test_6_a_server_that_shakes_hands_for_ever(begun: float) -> None:
    with FaultyServer(drip(b"\x16\x03\x03\x40\x00", 0.02)) as server:
        port = int(server.address.rpartition(":")[2])
        request = WireRequest(f"https://127.0.0.1:{port}/v1", b"{}", {}, SECONDS)
        with pytest.raises((ReadTimeout, ConnectError)):
            Connections().exchange(request)


class SlowTls:
    """As much as a socket over TLS does of a send: a record at a time, each with its own wait."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit: float | None = None
        self.sent = 0

    def settimeout(self, limit: float | None) -> None:
        self._limit = limit

    def send(self, data: bytes) -> int:
        if self._limit is not None and self._limit < self._seconds:
            raise TimeoutError
        time.sleep(self._seconds)
        self.sent += min(len(data), 16384)
        return min(len(data), 16384)


def test_6_sending_to_a_server_that_reads_slowly_ends_in_time(begun: float) -> None:
    slow = SlowTls(0.02)
    bounded = DeadlineSocket(slow)  # type: ignore[arg-type]
    bounded.deadline = begun + SECONDS
    with pytest.raises(TimeoutError):
        bounded.sendall(bytes(16384 * 1000))
    assert 0 < slow.sent < 16384 * 1000


def test_all_that_is_sent_arrives(begun: float) -> None:
    left, right = socket.socketpair()
    bounded = DeadlineSocket(left)
    bounded.deadline = begun + 60
    data = bytes(range(256)) * 8192
    got = bytearray()

    def read() -> None:
        while piece := right.recv(9999):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    bounded.sendall(data)
    left.close()
    reader.join()
    right.close()
    assert bytes(got) == data
