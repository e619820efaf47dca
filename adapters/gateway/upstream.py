"""One model's server: calls in the model's places, each with bounded retries."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import aiohttp

from adapters.gateway.accounting import ProviderQueue
from adapters.gateway.client import ClientConnection
from adapters.gateway.recordings import Recorded
from adapters.gateway.records import CallAttempt
from adapters.gateway.relay import Relay
from adapters.gateway.settings import Route
from adapters.wire.addresses import endpoint_url, key_header
from adapters.wire.body import BodyDecoder
from adapters.wire.dialects import DialectName
from adapters.wire.dialects.base import Reply
from adapters.wire.retry import (
    ConnectError,
    FailedAttempts,
    ReadTimeout,
    RetryableError,
    read_retry_after,
    retry_delay,
)
from adapters.wire.statuses import StatusKind, classify_status, describe_unusable
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import count

_NO_OTHER_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=None)


class UpstreamUnavailable(Exception):
    """The model does not answer this call. `status` is for the client if no other does."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class UpstreamRequest:
    """What goes to a server. `relay` makes the way back, a new one for each attempt.

    `stream_type` is the content type in which a stream comes, `given_type` that of the client's.
    """

    path: str
    data: bytes
    headers: Mapping[str, str]
    streamed: bool
    stream_type: str
    given_type: str
    relay: Callable[[], Relay]
    note: str = ""
    marks: dict[str, str] = field(default_factory=dict)


class Upstream:
    """The server, or the servers, of one route."""

    def __init__(
        self, route: Route, session: Callable[[str], aiohttp.ClientSession], env: Mapping[str, str]
    ) -> None:
        self.route = route
        self._session, self._env = session, env
        self._lane = ProviderQueue(route)

    def auth(self, dialect: DialectName) -> dict[str, str]:
        """The header with the key. Raises UpstreamUnavailable if it is not set."""
        name = self.route.config.key_env
        if not name:
            return {}
        key = self._env.get(name, "")
        if not key:
            alias = self.route.config.alias
            raise UpstreamUnavailable(
                f"{alias}: the environment variable {name} with the key is not set for the gateway"
            )
        return key_header(self.route.config, dialect, key)

    async def ask(
        self,
        sent: UpstreamRequest,
        client: ClientConnection,
        attempts: list[CallAttempt],
        *,
        last: bool,
    ) -> Recorded:
        """One answer; the attempts are added to the list. Raises UpstreamUnavailable.

        Where no server listens the next model is tried at once; the `last` one is given time.
        """
        patience, alias = self.route.patience, self.route.config.alias
        failed = FailedAttempts()
        while True:
            attempt = CallAttempt(model=alias, note=sent.note)
            attempts.append(attempt)
            try:
                return await self._in_place(sent, client, attempt)
            except RetryableError as busy:
                problem = busy
            attempt.problem = str(problem)
            failed = failed.add(problem)
            delay = retry_delay(patience, failed, problem.retry_after)
            elsewhere = isinstance(problem, ConnectError) and not last
            if client.started or delay is None or elsewhere:
                times = count(failed.number, "attempt")
                raise UpstreamUnavailable(f"{alias} did not answer in {times}: {problem}")
            if problem.retry_after is not None and problem.retry_after > patience.longest_pause:
                raise UpstreamUnavailable(
                    f"{alias} asks for a wait of {problem.retry_after:,.0f} seconds, which is more"
                    f" than {patience.longest_pause:g}: {problem}"
                )
            attempt.pause = delay
            await asyncio.sleep(delay)

    async def _in_place(
        self, sent: UpstreamRequest, client: ClientConnection, attempt: CallAttempt
    ) -> Recorded:
        queued = time.perf_counter()
        async with self._lane.place() as base:
            begun = time.perf_counter()
            attempt.waited = begun - queued
            try:
                # One limit for all of it: also for a client that does not read what it is sent.
                async with asyncio.timeout(self.route.config.timeout_seconds):
                    return await self._call_once(base, sent, client, attempt)
            except TimeoutError:
                raise ReadTimeout(self.route.config.timeout_seconds) from None
            except aiohttp.ClientConnectorError as error:
                raise ConnectError(f"no connection: {type(error).__name__}") from None
            except (aiohttp.ClientError, OSError) as error:
                raise RetryableError(f"the connection broke: {type(error).__name__}") from None
            except ValueError as error:
                raise RetryableError(f"the response is not an answer: {error}") from None
            finally:
                attempt.seconds = time.perf_counter() - begun

    async def _call_once(
        self, base: str, sent: UpstreamRequest, client: ClientConnection, attempt: CallAttempt
    ) -> Recorded:
        begun = time.perf_counter()
        async with self._session(base).post(
            endpoint_url(base, self.route.config, sent.path),
            data=sent.data,
            headers=sent.headers,
            timeout=_NO_OTHER_LIMIT,
            allow_redirects=False,  # a key must not follow
        ) as response:
            attempt.status = response.status
            relay = sent.relay()
            if response.status != 200:
                said = b"".join([piece async for piece in _pieces(response)])
                return _record_refusal(response, said, relay, self.route.config)
            if sent.streamed and response.content_type == sent.stream_type:
                found = await _stream(response, sent, relay, client)
            else:
                whole = b"".join([piece async for piece in _pieces(response)])
                data, reply = relay.relay_answer(whole)
                found = Recorded(200, "application/json", data, reply)
            seconds = time.perf_counter() - begun
            return replace(found, seconds=seconds, waited=attempt.waited)


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body, decompressed and bounded. Raises ValueError."""
    decoder = BodyDecoder(response.headers.get("Content-Encoding"))
    async for piece in response.content.iter_any():
        yield decoder.feed(piece)
    yield decoder.finish()


async def _stream(
    response: aiohttp.ClientResponse, sent: UpstreamRequest, relay: Relay, client: ClientConnection
) -> Recorded:
    kind = sent.given_type
    out: list[bytes] = []
    async for piece in _pieces(response):
        out.append(relay.relay_chunk(piece))
        if out[-1]:
            await client.send(out[-1], kind, sent.marks)
    rest, reply = relay.end()
    return Recorded(200, kind, b"".join([*out, rest]), reply, unsent=rest)


def _record_refusal(
    response: aiohttp.ClientResponse, data: bytes, relay: Relay, config: ModelConfig
) -> Recorded:
    """The refusal of this one request, which is an answer.

    Raises RetryableError or UpstreamUnavailable for any other failure.
    """
    status = response.status
    said = relay.refusal(status, data)
    text = f"HTTP {status}: {said.decode(errors='replace')[:300]}"
    kind = classify_status(status)
    if kind is StatusKind.RETRYABLE:
        headers = {name.lower(): value for name, value in response.headers.items()}
        raise RetryableError(text, read_retry_after(headers, datetime.now(UTC)))
    if kind is not StatusKind.REFUSED:
        why = describe_unusable(status)
        raise UpstreamUnavailable(f"{config.alias} cannot be used: {why} ({text})")
    return Recorded(status, "application/json", said, Reply(""))
