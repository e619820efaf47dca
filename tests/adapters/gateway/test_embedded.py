"""Every vendor's client talks to the embedded model, and then to its recordings without it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.gateway.settings import Route
from adapters.llm.embedded_pool import shared_pool
from prompt_lab.config.models import ModelConfig
from tests.adapters.gateway.clients import LLAMA_INDEX, VENDORS, Invoice
from tests.adapters.gateway.conftest import Start, issue

pytestmark = [pytest.mark.model, pytest.mark.slow]
TABLES = (("sdk", VENDORS), ("llama", LLAMA_INDEX))
CLIENTS = [(f"{kind}-{name}", client) for kind, table in TABLES for name, client in table.items()]
WISHES = ("plain", "structured", "streaming")


def embedded(address: str) -> Route:
    """The route to one server of the pool. Without its cache it answers equal calls alike."""
    config = ModelConfig(alias="smol", provider="embedded", id="smol", deterministic=True)
    return Route(config=config, addresses=(f"{address}/v1",), extra={"cache_prompt": False})


def test_all_clients_live_recorded_and_replayed(start: Start, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    try:
        with shared_pool().lease() as (server, _):
            there = embedded(server.address)
            gateway = start(there, mode="record", recordings=kept)
            live = _said(gateway)
    finally:
        shared_pool().close()
    replaying = start(there, mode="replay", recordings=kept)
    again = _said(replaying)
    assert live.keys() == again.keys()
    for name, (text, call) in live.items():
        assert text, name
        assert (again[name][0], again[name][1].answer) == (text, call.answer), name
        assert call.counted, name
        assert call.input_tokens > 10, name
        assert call.answered_by == again[name][1].answered_by == "smol"
        if name[1] == "structured":
            assert Invoice.model_validate_json(text), name
    # One prompt, one model, no cache: every vendor's client hears the same.
    assert len({live[f"sdk-{name}", "plain"][0] for name in VENDORS}) == 1


def _said(gateway: Any) -> dict[Any, Any]:
    found = {}
    for name, client in CLIENTS:
        for what in WISHES:
            token = issue(gateway, "smol", plan=f"{name} {what}")
            try:
                text = client(gateway.url(token), what)
            except (ValidationError, ValueError) as error:
                pytest.fail(f"{name} {what}: {error}: {gateway.calls(token)}")
            (call,) = gateway.calls(token)
            found[name, what] = (text, call)
    return found
