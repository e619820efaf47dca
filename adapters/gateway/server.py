"""The gateway's process: `python -m adapters.gateway.server OWNER_PID`.

Reads its settings as one line of JSON, prints its port as one line, and serves on loopback until
its standard input closes or its owner is gone. Keys are in its environment and nowhere else.
"""

import asyncio
import gc
import os
import select
import sys
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from adapters.gateway.accounting import UsageAccounting
from adapters.gateway.app import App
from adapters.gateway.calls import CallHandler
from adapters.gateway.keyed import ByCall
from adapters.gateway.recordings import ByRequest, Recordings
from adapters.gateway.routing import CallRouter
from adapters.gateway.settings import GatewaySettings, RecordingsAt
from adapters.gateway.upstream import Upstream
from prompt_lab.config.model_keys import keys_of
from prompt_lab.redact import Redactor

IDLE_SECONDS = 4.0
"""Connections to a server are closed before it closes them itself: llama.cpp does after 5."""
LAST_SECONDS = 2.0


def main() -> None:
    """Serve until the owner's end of the pipe closes, however the owner ends."""
    settings = GatewaySettings.model_validate_json(sys.stdin.buffer.readline())
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # a call leaves little that only the collector finds
    asyncio.run(_serve(settings, int(sys.argv[1])))


async def _serve(settings: GatewaySettings, owner: int) -> None:
    # No proxy stands between this machine and itself, whatever the environment says.
    near, far = _session(trust_env=False), _session(trust_env=True)

    def session(base: str) -> aiohttp.ClientSession:
        return near if urlsplit(base).hostname in ("127.0.0.1", "localhost", "::1") else far

    routes = {route.config.alias: route for route in settings.routes}
    upstreams = {alias: Upstream(route, session, os.environ) for alias, route in routes.items()}
    known = {key for route in settings.routes for key in keys_of(route.config, os.environ)}
    redactor = Redactor(known)
    books = UsageAccounting(routes, redactor, settings.log)
    router = CallRouter(settings.routing, routes)
    calls = CallHandler(
        settings.mode, upstreams, _recordings(settings), redactor, books, router=router
    )
    app = App(calls, books, settings.secret).build()
    runner = web.AppRunner(
        app, handler_cancellation=True, access_log=None, shutdown_timeout=LAST_SECONDS / 4
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    os.write(1, f"{runner.addresses[0][1]}\n".encode())
    os.close(1)
    await asyncio.to_thread(_wait, owner)
    try:
        # Calls under way end as hung up, and get into the log.
        await asyncio.wait_for(runner.cleanup(), LAST_SECONDS)
    finally:
        books.write()
        router.write()
        os._exit(0)


def _recordings(settings: GatewaySettings) -> Recordings | None:
    match settings.recordings:
        case None:
            return None
        case RecordingsAt(path=path, by="call"):
            return ByCall(path)
        case RecordingsAt(path=path):
            return ByRequest(path)


def _session(*, trust_env: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=trust_env,
        auto_decompress=False,  # what is decompressed is bounded
        headers={"User-Agent": "prompt-lab"},
    )


def _wait(owner: int) -> None:
    """Until the pipe closes. A process that the owner forked may hold it open beyond the end."""
    while os.getppid() == owner:
        readable, _, _ = select.select([0], [], [], 1.0)
        if readable and not os.read(0, 1024):
            return


if __name__ == "__main__":
    main()
