"""The vendors' SDKs over our own connections: what bounds an answer is in one place."""

import json
from typing import Any

import httpx

from adapters.wire.connections import WireRequest, shared_connections
from adapters.wire.retry import ConnectError, ReadTimeout, RetryableError
from prompt_lab.json_limits import parse_json

_OURS = frozenset({"host", "content-length", "accept-encoding", "connection"})
_UNDONE = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})
"""What says how a body came, which is whole and decompressed here."""


class UnusableStatus(httpx.RemoteProtocolError):
    """A status that an SDK takes for an answer, and the wire client does not (204, say)."""

    def __init__(self, status: int, headers: dict[str, str], request: httpx.Request) -> None:
        super().__init__(f"HTTP {status}", request=request)
        self.status = status
        self.headers = headers


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
        if 200 < found.status < 300:
            raise UnusableStatus(found.status, kept, request)
        body, fault = found.body, _find_fault(found.body)
        if fault and found.status == 200:
            text = f"an answer without content: {fault}"
            raise httpx.RemoteProtocolError(text, request=request)
        if fault:
            body = f"an error message that cannot be read: {fault}".encode()
        return httpx.Response(found.status, headers=kept, content=body, request=request)


def make_http_client(**given: Any) -> httpx.Client:
    """A client for an SDK. It follows no redirect: the prompt and the key would go along."""
    return httpx.Client(transport=WireTransport(), follow_redirects=False, trust_env=False, **given)


DEFAULT_SECONDS = 600.0
"""Where an SDK's client gives no limit."""


def _find_fault(body: bytes) -> str:
    """Why an SDK must not parse a body; '' where it may, and reports itself what is no JSON."""
    try:
        parse_json(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return ""
    except ValueError as error:
        return str(error)
    return ""


def _limit_of(seconds: object) -> float:
    return float(seconds) if isinstance(seconds, int | float) else DEFAULT_SECONDS
