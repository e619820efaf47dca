"""A vendor behind a local address, and a model that is led to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as Received
from werkzeug import Response

from pipeline.wiring import load_adapter
from prompt_lab.ports import Llm
from tests.adapters.llm.vendors import KEY, KEY_ENV, VENDORS, Vendor


@dataclass
class World:
    """One vendor's stand-in: gives the replies in order, the last one again and again."""

    vendor: Vendor
    address: str
    replies: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def reply(self, status: int, body: Any, **headers: str) -> "World":
        self.replies.append((status, body, {k.replace("_", "-"): v for k, v in headers.items()}))
        return self

    def model(self, **config: Any) -> Llm:
        made = self.vendor.config(self.address, **config)
        kind = "llm_sdk" if made.client == "sdk" else "llm"
        model: Llm = load_adapter(kind, made.provider)(made, pause=self.pauses.append)
        return model

    def handle(self, request: Received) -> Response:
        self.sent.append(json.loads(request.data))
        self.keys.append(request.headers.get("authorization", request.headers.get("x-api-key", "")))
        status, body, headers = self.replies[min(len(self.sent), len(self.replies)) - 1]
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, status, headers, content_type="application/json")


@pytest.fixture(params=VENDORS, ids=lambda vendor: str(vendor.name))
def world(
    request: pytest.FixtureRequest, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> World:
    """One vendor after the other."""
    return _world(request.param, httpserver, monkeypatch)


@pytest.fixture
def world_of(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], World]:
    """A vendor by its provider."""
    by_name = {vendor.name: vendor for vendor in VENDORS}  # wire: "openai-wire"
    return lambda name: _world(by_name[name], httpserver, monkeypatch)


def _world(vendor: Vendor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv(KEY_ENV, KEY)
    made = World(vendor, f"http://127.0.0.1:{httpserver.port}")
    httpserver.expect_request(vendor.path, method="POST").respond_with_handler(made.handle)
    return made
