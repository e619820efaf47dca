"""The gateway's addresses: /run/<token>/… for targets, /owner/… for who started it."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from adapters.gateway.accounting import TokenRun, UsageAccounting
from adapters.gateway.calls import CallHandler
from adapters.gateway.client import NO_RETRY, plain_response
from adapters.gateway.recordings import read_body
from adapters.gateway.records import RunId
from adapters.wire.dialects import DIALECTS, DialectName

LARGEST_REQUEST = 64 * 1024 * 1024
SETTLE_SECONDS = 5.0
"""How long a question about a run waits for calls that are just ending."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class App:
    """Tokens, and what is done under each address."""

    def __init__(self, calls: CallHandler, books: UsageAccounting, secret: str) -> None:
        self._calls, self._books, self._secret = calls, books, secret
        self._runs: dict[str, TokenRun] = {}

    def build(self) -> web.Application:
        """The application."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        for name, dialect in DIALECTS.items():
            app.router.add_post("/run/{token}" + dialect.path, self._spoken(name))
        app.router.add_get("/run/{token}/v1/models", self._models)
        app.router.add_route("*", "/{elsewhere:.*}", self._not_found)
        app.router.add_post("/owner/{wish}", self._owner)
        return app

    def _spoken(self, name: DialectName) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            run = self._runs.get(request.match_info["token"])
            if run is None:
                return _error(name, 404, "there is no run with this token, or it has ended")
            try:
                body = read_body(await request.read())
                _check(body, DIALECTS[name].text_key)
            except ValueError as error:
                return _error(name, 400, f"the body is no request: {error}")
            return await self._calls.handle(run, name, body, request)

        return handle

    async def _models(self, request: web.Request) -> web.Response:
        run = self._runs.get(request.match_info["token"])
        if run is None:
            return _error("chat", 404, "there is no run with this token, or it has ended")
        models = [{"id": alias, "object": "model", "owned_by": ""} for alias in run.id.models]
        return web.json_response({"object": "list", "data": models})

    async def _not_found(self, _: web.Request) -> web.Response:
        paths = ", ".join(dialect.path for dialect in DIALECTS.values())
        return _error("chat", 404, f"nothing is here; behind a run's URL there are {paths}")

    async def _owner(self, request: web.Request) -> web.Response:
        shown = request.headers.get("x-owner", "")
        if not hmac.compare_digest(shown.encode(), self._secret.encode()):
            return _error("chat", 404, "nothing is here")
        said = json.loads(await request.read())
        token = str(said["token"])
        if request.match_info["wish"] == "issue":
            self._runs[token] = TokenRun(RunId.model_validate(said["run"]))
            return web.json_response({})
        run = self._runs.get(token)
        if run is None:
            return web.json_response({"fault": "there is no run with this token"})
        self._books.write()
        await run.wait_until_settled(SETTLE_SECONDS)
        return self._answer_owner(request.match_info["wish"], token, run)

    def _answer_owner(self, wish: str, token: str, run: TokenRun) -> web.Response:
        if self._books.fault:
            return web.json_response({"fault": self._books.fault})
        if wish == "usage":
            return web.json_response({"usage": run.usage().model_dump()})
        if wish == "end":
            del self._runs[token]
        data = b'{"calls": [' + b", ".join(run.lines) + b"]}"
        return plain_response(200, data, "application/json", {})


def _check(body: dict[str, Any], key: str) -> None:
    said = body.get(key)
    if key == "input" and isinstance(said, str) and said:
        return
    if not isinstance(said, list) or not said or not all(isinstance(m, dict) for m in said):
        raise ValueError(f"{key!r} must be a list of messages")


def _error(name: DialectName, status: int, message: str) -> web.Response:
    said = DIALECTS[name].error(status, message)
    return plain_response(status, said, "application/json", NO_RETRY)
