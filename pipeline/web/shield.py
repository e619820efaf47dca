"""What every request passes: host names, limits on rate and body, headers of each answer."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_CLIENTS = 10_000
PROMPTS = "/api/v1/promptops/"
"""Its bodies hold whole prompts, images too, and its requests change no prompt."""
_READING = ("/ofrep/", PROMPTS)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


class Rate(NamedTuple):
    """So many requests a second on average, and so many at once."""

    per_second: float
    burst: int


class RequestLimits(NamedTuple):
    """Of one client address. `logins` also bounds how fast keys can be guessed."""

    body_bytes: int = 64 * 1024
    prompt_bytes: int = 8 * 1024 * 1024
    requests: Rate = Rate(1000.0, 2000)
    writes: Rate = Rate(5.0, 30)
    logins: Rate = Rate(0.2, 10)


class TokenBuckets:
    """A token bucket for each client address, the least recently seen forgotten first."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a token: 0, or the seconds until there is one again."""
        now = self._clock()
        tokens, seen = self._buckets.pop(client, (float(self._rate.burst), now))
        tokens = min(self._rate.burst, tokens + (now - seen) * self._rate.per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate.per_second
        self._buckets[client] = (tokens - 1 if not wait else tokens, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait


class BodyTooLarge(Exception):
    """A request without a length has sent more than it may."""


class RequestShield:
    """ASGI middleware around the whole app. `hosts`: names that it answers to; '*': any."""

    def __init__(
        self,
        app: ASGIApp,
        limits: RequestLimits,
        hosts: frozenset[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._limits = limits
        self._hosts = hosts
        self._requests = TokenBuckets(limits.requests, clock)
        self._writes = TokenBuckets(limits.writes, clock)
        self._logins = TokenBuckets(limits.logins, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["server"] = "prompt-lab"
            await send(message)

        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send_headers)
            return
        try:
            most = self._find_most_bytes(scope)
            await self._app(scope, self._count_body(receive, most), send_headers)
        except BodyTooLarge:
            await _too_large()(scope, receive, send_headers)

    def _refuse(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if "*" not in self._hosts and _host_name(headers.get("host", "")) not in self._hosts:
            # Another name that leads here would let a page of that name read our answers.
            return PlainTextResponse("This server does not answer to that host name.\n", 421)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._find_most_bytes(scope):
            return _too_large()
        client = scope["client"][0] if scope.get("client") else ""
        wait = self._requests.take(client)
        if scope["method"] not in ("GET", "HEAD") and not scope["path"].startswith(_READING):
            wait = wait or self._writes.take(client)
            if scope["path"] == "/login":
                wait = wait or self._logins.take(client)
        if wait:
            return PlainTextResponse(
                "Too many requests: try again later.\n", 429, {"retry-after": str(int(wait) + 1)}
            )
        return None

    def _find_most_bytes(self, scope: Scope) -> int:
        limits = self._limits
        return limits.prompt_bytes if scope["path"].startswith(PROMPTS) else limits.body_bytes

    def _count_body(self, receive: Receive, most: int) -> Receive:
        size = 0

        async def count() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                raise BodyTooLarge
            return message

        return count


def _too_large() -> PlainTextResponse:
    return PlainTextResponse("The request's body is too large.\n", 413, {"connection": "close"})


def _host_name(host: str) -> str:
    """The name without its port.

    >>> _host_name("localhost:8080"), _host_name("[::1]:8080")
    ('localhost', '::1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
