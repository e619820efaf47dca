"""A gateway in front of stand-ins, and the means to speak to it without a vendor's client."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.gateway.owner import Gateway
from adapters.gateway.settings import Route
from adapters.wire.retry import RetryPolicy
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Side
from tests.adapters.gateway.forked import ForkedGateway

KEY_ENV = "STAND_IN_KEY"
KEY = "sk-stand-in-0123456789abcdef"
EVERYTHING = ("chat", "responses", "messages", "ollama")
QUICK = {"attempts": 3, "first_pause": 0.01, "longest_pause": 2.0}
SAID = {"model": "any", "messages": [{"role": "user", "content": "Pay 12.50 EUR."}]}
Start = Callable[..., Gateway]
_HTTP = httpx.Client(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=None))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a gateway with the key in its environment; ends it after the test."""
    with ExitStack() as stack:

        def make(*routes: Route, **given: Any) -> Gateway:
            env = {**os.environ, KEY_ENV: KEY, **given.pop("env", {})}
            given.setdefault("log", tmp_path / "calls.jsonl")
            return stack.enter_context(ForkedGateway(routes, env=env, **given))

        yield make


def route(address: str, alias: str = "first", **more: Any) -> Route:
    """A route to a stand-in, which is taken to speak everything unless more is said."""
    config = {
        "alias": alias,
        "provider": "openai_like",
        "id": f"id-of-{alias}",
        "base_url": f"{address}/v1",
        "key_env": KEY_ENV,
        "deterministic": True,
        "workers": 4,
        "timeout_seconds": 10,
        "price": {"input": 1.1, "output": 3.3},
        **more.pop("config", {}),
    }
    return Route(
        config=ModelConfig(**config),
        dialects=more.pop("dialects", EVERYTHING),
        patience=RetryPolicy(**{**QUICK, **more.pop("patience", {})}),
        **more,
    )


def issue(gateway: Gateway, model: str = "first", *fallbacks: str, **more: Any) -> str:
    run = {"plan": "bakery", "side": Side.BASELINE, "replicate": 0, **more}
    return gateway.issue(model, fallbacks=fallbacks, **run)


def post(url: str, body: Any, **headers: str) -> httpx.Response:
    """One call as it is. A body that is no bytes is sent as JSON."""
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    return _HTTP.post(url, headers=headers, **given)


def ask(gateway: Gateway, token: str, text: str = "Pay 12.50 EUR.", **more: Any) -> httpx.Response:
    """One chat completion."""
    body = {"model": "any", "messages": [{"role": "user", "content": text}], **more}
    return post(f"{gateway.url(token).openai}/chat/completions", body)
