"""Every vendor's client talks to the embedded model, and then to its recordings without it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.gateway.owner import Gateway
from adapters.gateway.records import CallRecord
from adapters.gateway.settings import Route
from adapters.llm.embedded_pool import shared_pool
from prompt_lab.config.models import ModelConfig
from tests.adapters.gateway.clients import LLAMA_INDEX, VENDORS, Invoice
from tests.adapters.gateway.conftest import Start, issue

pytestmark = [pytest.mark.model, pytest.mark.slow]
TABLES = (("sdk", VENDORS), ("llama", LLAMA_INDEX))
CLIENTS = [(f"{kind}-{name}", client) for kind, table in TABLES for name, client in table.items()]
WISHES = ["plain", *(pytest.param(w, marks=pytest.mark.long) for w in ("structured", "streaming"))]


def embedded(address: str) -> Route:
    """The route to one server of the pool. Without its cache it answers equal calls alike."""
    config = ModelConfig(alias="smol", provider="embedded", id="SmolLM2", deterministic=True)
    return Route(config=config, addresses=(f"{address}/v1",), extra={"cache_prompt": False})


@pytest.mark.parametrize("what", WISHES)
def test_all_clients_live_recorded_and_replayed(start: Start, tmp_path: Path, what: str) -> None:
    kept = tmp_path / "kept"
    try:
        with shared_pool().lease() as (server, _):
            there = embedded(server.address)
            gateway = start(there, mode="record", recordings=kept)
            live = _said(gateway, what)
    finally:
        shared_pool().close()
    replaying = start(there, mode="replay", recordings=kept)
    again = _said(replaying, what)
    assert live.keys() == again.keys()
    for name, (text, call) in live.items():
        assert text, name
        assert (again[name][0], again[name][1].answer) == (text, call.answer), name
        assert call.counted, name
        assert call.input_tokens > 10, name
        assert call.answered_by == again[name][1].answered_by == "smol"
        assert call.model_id == again[name][1].model_id == "SmolLM2"  # as where it is asked here
        if what == "structured":
            assert Invoice.model_validate_json(text), name
    if what == "plain":  # One prompt, one model, no cache: every vendor's client hears the same.
        assert len({live[f"sdk-{name}"][0] for name in VENDORS}) == 1


def _said(gateway: Gateway, what: str) -> dict[str, tuple[str, CallRecord]]:
    found = {}
    for name, client in CLIENTS:
        token = issue(gateway, "smol", plan=f"{name} {what}")
        try:
            text = client(gateway.url(token), what)
        except (ValidationError, ValueError) as error:
            pytest.fail(f"{name} {what}: {error}: {gateway.calls(token)}")
        (call,) = gateway.calls(token)
        found[name] = (text, call)
    return found
