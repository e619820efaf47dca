"""Requests to model servers over connections that are kept: one deadline, one limit of size.

Threads share the connections of a process. Source of the choice of http.client: measured at 128
calls in flight, it costs half of what an httpx client shared by threads does.
"""

import http.client
import select
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from adapters.wire.body import MOST_BYTES, PIECE, BodyDecoder
from adapters.wire.deadline import DeadlineSocket
from adapters.wire.per_process import PerProcess
from adapters.wire.retry import ConnectError, ReadTimeout, RetryableError
from adapters.wire.routes import ServerRoute, basic_credentials, route_to
from prompt_lab.errors import ModelUnavailable

_UNSENDABLE = frozenset("\r\n\0")


class WireResponse(NamedTuple):
    """An answer of any status. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WireRequest(NamedTuple):
    """What is sent, and the seconds in which the whole of the answer must have come."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    timeout_seconds: float
    method: str = "POST"


class Connections:
    """Idle connections by where they lead to; a call takes one, or opens another."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._idle: defaultdict[ServerRoute, deque[DeadlineSocket]] = defaultdict(deque)

    def exchange(self, request: WireRequest) -> WireResponse:
        """The answer, whatever its status; a redirect is an answer too, and is not followed.

        Raises ReadTimeout, ConnectError or RetryableError; ModelUnavailable for what cannot be
        sent at all.
        """
        deadline = time.monotonic() + request.timeout_seconds
        route, head = _compose(request)
        try:
            return self._exchange(route, head + request.body, deadline)
        except TimeoutError:
            raise ReadTimeout(request.timeout_seconds) from None
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= deadline:
                raise ReadTimeout(request.timeout_seconds) from None
            raise RetryableError(f"the connection broke: {type(error).__name__}") from None
        except ValueError as error:
            raise RetryableError(f"what came is no answer: {error}") from None

    def close(self) -> None:
        """Close what is idle. A further call opens connections again."""
        for idle in self._idle.values():
            with suppress(IndexError):
                while True:
                    idle.pop().close()

    def _exchange(self, route: ServerRoute, data: bytes, deadline: float) -> WireResponse:
        kept = self._take_idle(route)
        if kept is not None:
            with suppress(_StaleConnection):  # servers end idle ones, perhaps at this moment
                return self._converse(route, kept, data, deadline, kept=True)
        return self._converse(route, _connect(route, deadline), data, deadline)

    def _converse(
        self,
        route: ServerRoute,
        connection: DeadlineSocket,
        data: bytes,
        deadline: float,
        *,
        kept: bool = False,
    ) -> WireResponse:
        connection.deadline = deadline
        response = http.client.HTTPResponse(connection, method="POST")  # type: ignore[arg-type]
        keep = False
        try:
            _begin(connection, response, data, kept=kept)
            found = self._read(response)
            keep = not response.will_close
            return found
        finally:
            response.close()
            if keep:
                self._idle[route].append(connection)
            else:
                connection.close()

    def _read(self, response: http.client.HTTPResponse) -> WireResponse:
        headers = {name.lower(): value for name, value in response.getheaders()}
        decoder = BodyDecoder(headers.get("content-encoding"), self._most)
        pieces = []
        while piece := response.read1(PIECE):
            pieces.append(decoder.feed(piece))
        if response.length:
            raise ValueError(f"it ended {response.length:,} bytes early")
        pieces.append(decoder.finish())
        return WireResponse(response.status, headers, b"".join(pieces))

    def _take_idle(self, route: ServerRoute) -> DeadlineSocket | None:
        idle = self._idle[route]
        with suppress(IndexError):
            while True:
                connection = idle.pop()
                if not _has_input(connection):
                    return connection
                connection.close()
        return None


class _StaleConnection(Exception):
    """A kept connection had ended before anything came back."""


def _begin(
    connection: DeadlineSocket, response: http.client.HTTPResponse, data: bytes, *, kept: bool
) -> None:
    try:
        connection.sendall(data)
        response.begin()
    except ConnectionError:
        if kept:
            raise _StaleConnection from None
        raise


def _connect(route: ServerRoute, deadline: float) -> DeadlineSocket:
    try:
        return route.connect(deadline)
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConnectError(f"no connection: {type(error).__name__}") from None


def _has_input(connection: DeadlineSocket) -> bool:
    """Whether an idle connection has ended, or has what no request asked for."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _compose(request: WireRequest) -> tuple[ServerRoute, bytes]:
    """Where a request goes, and its head. Raises ModelUnavailable without naming any value."""
    url = urlsplit(request.url)
    route = route_to(url.scheme, url.hostname or "", url.port)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {
        "Host": route.host_header,
        "Accept-Encoding": "identity",
        "Content-Length": str(len(request.body)),
        **route.proxy_headers(),
        **request.headers,
    }
    if url.username is not None:
        headers.setdefault("Authorization", basic_credentials(url.username, url.password or ""))
    lines = [f"{request.method} {route.target(path)} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    try:
        if any(_UNSENDABLE.intersection(line) for line in lines):
            raise ValueError
        return route, "\r\n".join([*lines, "", ""]).encode("latin-1")
    except ValueError:
        raise ModelUnavailable(
            "a header or the address has a line break or a letter that HTTP cannot send: look at "
            "the key in the environment, and at base_url"
        ) from None


shared_connections: PerProcess[Connections] = PerProcess(Connections)
"""The connections of this process, for all aliases."""
