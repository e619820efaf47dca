"""Runs the web app on uvicorn."""

import gc
import os
import socket
from collections.abc import Collection

import uvicorn

from pipeline.web.app import create_app
from pipeline.web.context import LOOPBACK, WebContext, WebSettings
from pipeline.web.production import ProductionDoor
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import LabError
from prompt_lab.report.terminal import say
from prompt_lab.store.layout import Lab

MOST_CONNECTIONS = 4000


class WebServer(uvicorn.Server):
    """Ends event streams at the end; they would never end by themselves."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        context: WebContext = self.config.app.state.context  # type: ignore[union-attr]
        context.hub.close()
        await super().shutdown(sockets)


def run_server(
    lab: Lab,
    address: tuple[str, int],
    *,
    allowed_hosts: Collection[str] = (),
    proxy: str = "",
    production: ProductionDoor | None = None,
    promptops: PromptOpsConfig | None = None,
) -> None:
    """Serve a lab until a signal ends it. Raises LabError where it cannot listen.

    Elsewhere than on loopback reading takes a key, and every host name is answered to unless
    `allowed_hosts` lists some.
    """
    host, port = address
    is_local = host in LOOPBACK
    names = frozenset(allowed_hosts)
    hosts = LOOPBACK | names if is_local or names else frozenset({"*"})
    settings = WebSettings(
        open_reading=is_local,
        hosts=hosts,
        api_key=os.environ.get("WEB_API_KEY", ""),
        webhook_secret=os.environ.get("GREEN_API_WEBHOOK_SECRET", ""),
        promptops=promptops,
    )
    app = create_app(lab, settings, production)
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
        limit_concurrency=MOST_CONNECTIONS,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
    )
    with _listen(host, port) as place:
        name = f"[{host}]" if ":" in host else host
        say(f"http://{name}:{place.getsockname()[1]}")
        gc.freeze()  # what was imported stays: looking through it again would make readers wait
        WebServer(config).run([place])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises LabError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise LabError(
            f"{host}:{port}: cannot listen there ({os.strerror(error.errno or 0)})."
            " Choose another --port."
        ) from error
