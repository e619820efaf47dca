"""What is Anthropic's and Ollama's own."""

import json
from collections.abc import Callable

import pytest

from prompt_lab.ports import Request
from tests.adapters.llm.conftest import World

PLAIN = Request("Extract the amount.", "Pay 12 EUR.", max_tokens=99)
WorldOf = Callable[[str], World]


@pytest.fixture(name="world_of", params=["", "-wire"], ids=["sdk", "wire"])
def _world_of(request: pytest.FixtureRequest, world_of: WorldOf) -> WorldOf:
    """Vendors by their provider, spoken to by the SDK and by our own client."""
    return lambda provider: world_of(provider + request.param)


def test_claude_newer_than_the_client_can_be_asked(world_of: WorldOf) -> None:
    world = world_of("anthropic")
    world.reply(200, world.vendor.answer("x"))
    assert world.model(id="claude-unheard-of-9").ask(PLAIN).text == "x"


def test_claude_keeps_letters_as_they_are(world_of: WorldOf) -> None:
    world = world_of("anthropic")
    world.reply(200, world.vendor.json_answer({"vendor": "Müller & Søn"}))
    answer = world.model().ask(Request("s", "u", {"type": "object"}))
    assert answer.text == '{"vendor": "Müller & Søn"}'


def test_claude_that_talks_in_place_of_the_tool_is_heard(world_of: WorldOf) -> None:
    world = world_of("anthropic")
    world.reply(200, world.vendor.answer("I had rather not."))
    assert world.model().ask(Request("s", "u", {"type": "object"})).text == "I had rather not."


def test_ollama_is_asked_for_one_context_and_nothing_else(world_of: WorldOf) -> None:
    world = world_of("ollama")
    world.reply(200, world.vendor.answer("x"))
    world.model().ask(PLAIN)
    world.model(settings={"extra": {"num_ctx": 2048}}).ask(PLAIN)
    assert [sent["options"]["num_ctx"] for sent in world.sent] == [8192, 2048]
    assert "format" not in world.sent[0]
    assert "keep_alive" not in json.dumps(world.sent[0])


def test_options_of_one_ollama_call_do_not_reach_the_next(world_of: WorldOf) -> None:
    world = world_of("ollama")
    model = world.reply(200, world.vendor.answer("x")).model()
    model.ask(Request("s", "u", seed=3))
    model.ask(Request("s", "u"))
    assert "seed" not in world.sent[1]["options"]
