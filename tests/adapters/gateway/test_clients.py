"""The vendors' clients and llama-index talk through the gateway, and get the same when replayed."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from adapters.gateway.owner import Gateway
from tests.adapters.gateway.clients import LLAMA_INDEX, SYSTEM, USER, VENDORS
from tests.adapters.gateway.conftest import EVERYTHING, KEY, KEY_ENV, issue, route
from tests.adapters.gateway.stand_in import StandIn

PLAIN, JSON = "Zwölf 🙂 twelve", '{"amount":12.5}'
pytestmark = pytest.mark.slow  # starts two gateways, and imports every client
WANTED = {"plain": PLAIN, "streaming": PLAIN, "structured": JSON}
TABLES = (("sdk", VENDORS), ("llama", LLAMA_INDEX))
CLIENTS = [(f"{kind}-{name}", client) for kind, table in TABLES for name, client in table.items()]
SPOKEN = {"native": EVERYTHING, "translated": ("chat",)}


class World(NamedTuple):
    """A recording gateway before a server, and a replaying one whose server is not there."""

    server: StandIn
    recording: Gateway
    replaying: Gateway


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("recordings")
    env = {KEY_ENV: KEY}

    def routes(address: str) -> list[Any]:
        return [route(address, alias, dialects=spoken) for alias, spoken in SPOKEN.items()]

    with (
        StandIn() as server,
        Gateway(routes(server.address), "record", folder, env=env) as recording,
        Gateway(routes("http://127.0.0.1:9"), "replay", folder, env=env) as replaying,
    ):
        yield World(server, recording, replaying)


@pytest.mark.parametrize("what", WANTED)
@pytest.mark.parametrize(("name", "client"), CLIENTS, ids=[name for name, _ in CLIENTS])
@pytest.mark.parametrize("alias", SPOKEN)
def test_a_client_gets_its_answer_live_and_replayed(
    world: World, alias: str, name: str, client: Any, what: str
) -> None:
    world.server.texts = [WANTED[what]]
    world.server.seen.clear()
    world.server.tokens.clear()
    token = issue(world.recording, alias)
    assert client(world.recording.url(token), what) == WANTED[what]
    (call,) = world.recording.calls(token)
    (_, headers, body), used = world.server.seen[0], world.server.tokens
    assert (call.answered_by, call.status, call.origin, call.counted) == (alias, 200, "live", True)
    assert (call.input_tokens, call.output_tokens) == (used["input"], used["output"])
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body["model"] == f"id-of-{alias}"
    assert SYSTEM in json.dumps(body)
    assert USER in json.dumps(body)
    translated = call.dialect not in SPOKEN[alias]
    assert ("chat completions" in call.attempts[0].note) == translated
    token = issue(world.replaying, alias)
    assert client(world.replaying.url(token), what) == WANTED[what]
    (again,) = world.replaying.calls(token)
    assert again.answer == call.answer
    assert (again.origin, again.answered_by) == ("replay of the same request", alias)
    assert (again.input_tokens, again.output_tokens) == (call.input_tokens, call.output_tokens)
