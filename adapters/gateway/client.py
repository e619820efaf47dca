"""The way back to a target's client."""

from collections.abc import Mapping

from aiohttp import web

NO_RETRY = {"x-should-retry": "false"}
"""The clients of OpenAI and Anthropic obey it: what could be tried again has been."""


class ClientDisconnected(Exception):
    """The client hung up."""


class ClientConnection:
    """Answers one request, at once or piece by piece."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.headers: Mapping[str, str] = request.headers
        self._stream: web.StreamResponse | None = None

    @property
    def started(self) -> bool:
        """Whether a part of an answer has been sent: nothing else can be answered any more."""
        return self._stream is not None

    async def send(self, data: bytes, content_type: str, headers: dict[str, str]) -> None:
        """A piece of a stream. Raises ClientDisconnected."""
        try:
            if self._stream is None:
                self._stream = web.StreamResponse(headers=_typed(content_type, headers))
                await self._stream.prepare(self._request)
            await self._stream.write(data)
        except ConnectionError as error:
            raise ClientDisconnected("the client hung up in the middle of its answer") from error

    async def end(self, data: bytes) -> web.StreamResponse:
        """The last piece of the stream. Raises ClientDisconnected."""
        assert self._stream is not None
        try:
            await self._stream.write_eof(data)
        except ConnectionError as error:
            raise ClientDisconnected("the client hung up at the end of its answer") from error
        return self._stream

    def abort(self) -> None:
        """Break the connection, so that half a stream is not taken for a whole one."""
        if self._request.transport is not None:
            self._request.transport.abort()


def plain_response(
    status: int, data: bytes, content_type: str, headers: dict[str, str]
) -> web.Response:
    """An answer at once."""
    return web.Response(status=status, body=data, headers=_typed(content_type, headers))


def _typed(content_type: str, headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Content-Type": content_type}
