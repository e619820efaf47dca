"""One model's server: calls in the model's places, each with bounded retries."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from adapters.gateway.accounting import ProviderQueue
from adapters.gateway.client import ClientConnection
from adapters.gateway.dialects.base import Reply
from adapters.gateway.recordings import Recorded
from adapters.gateway.records import CallAttempt
from adapters.gateway.relay import Relay
from adapters.gateway.settings import Route
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import count

PATIENCE = frozenset({408, 409, 425, 429})
UNUSABLE = frozenset({401, 402, 403, 404, 405, 410})


class RetryableError(Exception):
    """No answer this time."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ReadTimeout(RetryableError):
    """Nothing was said in the time that the model is given."""


class ConnectError(RetryableError):
    """There is no server at the address."""


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

    def auth(self, dialect: str) -> dict[str, str]:
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
        if self.route.config.provider == "anthropic" and dialect == "messages":
            return {"x-api-key": key}
        return {"Authorization": f"Bearer {key}"}

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
        retries, timeouts = 0, 0
        while True:
            attempt = CallAttempt(model=alias, note=sent.note)
            attempts.append(attempt)
            try:
                return await self._in_place(sent, client, attempt)
            except RetryableError as busy:
                problem = busy
            attempt.problem = str(problem)
            retries += 1
            timeouts += isinstance(problem, ReadTimeout)
            tired = retries >= patience.attempts or timeouts >= patience.timeouts
            if client.started or tired or (isinstance(problem, ConnectError) and not last):
                times = count(retries, "attempt")
                raise UpstreamUnavailable(f"{alias} did not answer in {times}: {problem}")
            if not patience.grants(problem.retry_after):
                raise UpstreamUnavailable(
                    f"{alias} asks for a wait of {problem.retry_after:,.0f} seconds, which is more"
                    f" than {patience.longest_pause:g}: {problem}"
                )
            attempt.pause = patience.pause(retries, problem.retry_after)
            await asyncio.sleep(attempt.pause)

    async def _in_place(
        self, sent: UpstreamRequest, client: ClientConnection, attempt: CallAttempt
    ) -> Recorded:
        queued = time.perf_counter()
        async with self._lane.place() as base:
            begun = time.perf_counter()
            attempt.waited = begun - queued
            try:
                return await self._call_once(base, sent, client, attempt)
            except TimeoutError:
                limit = self.route.config.timeout_seconds
                raise ReadTimeout(f"no answer in time (timeout_seconds: {limit:g})") from None
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
        limit = aiohttp.ClientTimeout(total=self.route.config.timeout_seconds)
        async with self._session(base).post(
            address(base, self.route.config, sent.path),
            data=sent.data,
            headers=sent.headers,
            timeout=limit,
            allow_redirects=False,  # a key must not follow
        ) as response:
            attempt.status = response.status
            relay = sent.relay()
            if response.status != 200:
                return _record_refusal(response, await response.read(), relay, self.route.config)
            if sent.streamed and response.content_type == sent.stream_type:
                found = await _stream(response, sent, relay, client)
            else:
                data, reply = relay.relay_answer(await response.read())
                found = Recorded(200, "application/json", data, reply)
            seconds = time.perf_counter() - begun
            return replace(found, seconds=seconds, waited=attempt.waited)


async def _stream(
    response: aiohttp.ClientResponse, sent: UpstreamRequest, relay: Relay, client: ClientConnection
) -> Recorded:
    kind = sent.given_type
    out: list[bytes] = []
    async for piece in response.content.iter_any():
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
    if status in PATIENCE or status >= 500:
        raise RetryableError(text, seconds_of(response.headers.get("Retry-After")))
    if status in UNUSABLE or status < 400:
        raise UpstreamUnavailable(f"{config.alias} cannot be used: {text}")
    return Recorded(status, "application/json", said, Reply(""))


def address(base: str, config: ModelConfig, path: str) -> str:
    """Where a dialect is spoken. Anthropic's and Ollama's base URLs have no version in them."""
    base = base.rstrip("/")
    if path.startswith("/api/") or config.provider in ("anthropic", "ollama"):
        return base.removesuffix("/v1") + path
    return base + path.removeprefix("/v1")


def seconds_of(value: str | None) -> float | None:
    """Seconds to wait, from either form of Retry-After: a number, or a date."""
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(str(value))
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
