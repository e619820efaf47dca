"""One HTTP call and its answer, as the parts of the hub pass them on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any


@dataclass(frozen=True)
class Call:
    """What a client asks for. `token` is the key that it shows, '' where it shows none."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""

    @property
    def json(self) -> Any:
        """The body of an API call."""
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Reply:
    """What it is answered; `data` as JSON, or `raw` as it is."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def json(self) -> Any:
        """The body as the client reads it."""
        return json.loads(self.content)

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        if self.raw is not None:
            return self.raw
        return b"" if self.data is None else json.dumps(self.data).encode()


def ask(port: int, method: str, path: str, data: Any = None, token: str = "") -> Reply:
    """One plain call of a server on this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"token {token}"
    try:
        connection.request(method, path, None if data is None else json.dumps(data), headers)
        response = connection.getresponse()
        raw = response.read()
        told = dict(response.getheaders())
    finally:
        connection.close()
    is_json = "json" in told.get("Content-Type", told.get("content-type", ""))
    return Reply(response.status, json.loads(raw) if is_json and raw else None, told, raw)
