"""The embedded model: exact answers, and no process that outlives its owner."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from adapters.llm.embedded import KEPT_STATES, Embedded, _free_name
from adapters.llm.embedded_pool import shared_pool
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import CallRefused
from prompt_lab.ports import Request
from tests.processes import gone, heard, owner, runs

pytestmark = pytest.mark.model
OWNER = "tests.adapters.llm.embedded_owner"
CONFIG = ModelConfig(alias="smol", provider="embedded", id="smol", deterministic=True)
SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
REQUESTS = [
    Request("Give the amount in euros.", "Pay 12.50 EUR.", SCHEMA, max_tokens=16),
    Request("Give the amount in euros.", "Invoice 77: 80 EUR are due.", SCHEMA, max_tokens=16),
    Request("Answer in one word.", "What is the capital of France?", max_tokens=6),
    Request("Answer in one word.", "What colour is the sky?", max_tokens=6),
]


@pytest.fixture
def model() -> Iterator[Embedded]:
    made = Embedded(CONFIG)
    yield made
    made.close()


def test_answers_depend_on_nothing_but_the_request(model: Embedded) -> None:
    assert model.check() is None
    first = [model.ask(request) for request in REQUESTS]
    model.close()
    with ThreadPoolExecutor(2) as threads:
        second = list(threads.map(model.ask, reversed(REQUESTS * 2)))
    texts = [answer.text for answer in first]
    assert [answer.text for answer in second] == texts[::-1] * 2
    assert isinstance(json.loads(texts[0])["amount"], int | float)
    assert all(answer.input_tokens > 10 and answer.output_tokens > 0 for answer in first)
    assert first[0].answered_by == CONFIG.id


def test_over_length_is_refused_and_does_no_harm(model: Embedded) -> None:
    before = model.ask(REQUESTS[2]).text
    with pytest.raises(CallRefused, match="HTTP 400"):
        model.ask(Request("Be brief.", "word " * 3000))
    with pytest.raises(CallRefused, match="HTTP 400"):
        model.ask(Request("word " * 3000, "Go."))
    assert model.ask(REQUESTS[2]).text == before


def test_a_server_that_dies_is_replaced(model: Embedded) -> None:
    before = model.ask(REQUESTS[2]).text
    dead = shared_pool().pids()
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    assert model.ask(REQUESTS[2]).text == before
    assert not set(dead) & set(shared_pool().pids())


def test_states_are_kept_for_the_last_system_texts_only(model: Embedded) -> None:
    model.ask(REQUESTS[2])
    with shared_pool().lease() as (server, _):
        server.prefixes |= {f"old {i}": f"{i + 1}.bin" for i in range(KEPT_STATES - 1)}
        assert _free_name(server) == "0.bin"
        assert _free_name(server) == "0.bin"  # nobody took it: the text was refused, say
        assert REQUESTS[2].system not in server.prefixes
    model.ask(REQUESTS[2])
    assert len(server.prefixes) == KEPT_STATES


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_servers_end_when_their_owner_is_ended(how: signal.Signals) -> None:
    with owner(OWNER, "wait") as process:
        pids = heard(process)["pids"]
        assert len(pids) == 1
        assert runs(pids[0])
        process.send_signal(how)
        assert gone(*pids)


def test_servers_have_ended_when_their_owner_leaves() -> None:
    with owner(OWNER, "end") as process:
        pids = heard(process)["pids"]
        assert process.wait(60) == 0
        assert not runs(pids[0])


def test_servers_end_though_a_fork_of_their_owner_lives_on() -> None:
    with owner(OWNER, "orphan") as process:
        pids = heard(process)["pids"]
        child = heard(process)["child"]
        try:
            process.kill()
            assert gone(*pids)
            assert runs(child)
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def test_a_fork_has_servers_of_its_own_and_leaves_the_owner_its() -> None:
    with owner(OWNER, "fork") as process:
        first = heard(process)
        child, fork, last = sorted((heard(process) for _ in range(3)), key=len)
        assert "child" in child
        assert not set(fork["pids"]) & set(first["pids"])
        assert last == first
        assert fork["text"] == first["text"] == "ok"
        assert process.wait(60) == 0
        assert gone(*first["pids"], *fork["pids"])
