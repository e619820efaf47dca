"""The vendors' SDKs over our own connections: what bounds an answer is in one place."""

from typing import Any

import httpx

from adapters.wire.connections import WireRequest, shared_connections
from adapters.wire.retry import ConnectError, ReadTimeout, RetryableError

_OURS = frozenset({"host", "content-length", "accept-encoding", "connection"})
_UNDONE = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})
"""What says how a body came, which is whole and decompressed here."""


class WireTransport(httpx.BaseTransport):
    """One deadline for the whole call (the client's read timeout), limits on the answer."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises an httpx.TransportError."""
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _OURS}
        seconds = request.extensions.get("timeout", {}).get("read")
        asked = WireRequest(
            str(request.url), request.read(), headers, _limit_of(seconds), request.method
        )
        try:
            found = shared_connections.get().exchange(asked)
        except ReadTimeout as error:
            raise httpx.ReadTimeout(str(error), request=request) from None
        except ConnectError as error:
            raise httpx.ConnectError(str(error), request=request) from None
        except RetryableError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from None
        kept = {k: v for k, v in found.headers.items() if k not in _UNDONE}
        return httpx.Response(found.status, headers=kept, content=found.body, request=request)


def make_http_client(**given: Any) -> httpx.Client:
    """A client for an SDK. It follows no redirect: the prompt and the key would go along."""
    return httpx.Client(transport=WireTransport(), follow_redirects=False, trust_env=False, **given)


DEFAULT_SECONDS = 600.0
"""Where an SDK's client gives no limit."""


def _limit_of(seconds: object) -> float:
    return float(seconds) if isinstance(seconds, int | float) else DEFAULT_SECONDS
