"""What holds for every vendor, spoken to in its own wire format."""

import json
import logging
import socket
import traceback

import pytest

from prompt_lab.errors import CallRefused, LabError, ModelUnavailable, TransientError
from prompt_lab.ports import Llm, Request
from tests.adapters.llm.conftest import World
from tests.adapters.llm.vendors import KEY, KEY_ENV, schema_sent, texts_sent

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
    "additionalProperties": False,
}
PLAIN = Request("Extract the amount.", "Pay 12 EUR.", max_tokens=99)


def refusal(model: Llm, kind: type[LabError]) -> str:
    """The whole trace of the error that a request ends with, which must not hold the key."""
    with pytest.raises(kind) as caught:
        model.ask(PLAIN)
    text = "".join(traceback.format_exception(caught.value))
    assert KEY not in text + repr(caught.value)
    return str(caught.value)


def test_plain_text(world: World) -> None:
    world.reply(200, world.vendor.answer("12 €"))
    answer = world.model().ask(PLAIN)
    assert (answer.text, answer.input_tokens, answer.output_tokens) == ("12 €", 11, 5)
    assert (answer.finish_reason, answer.answered_by, answer.retries) == ("stop", "it-was-me", 0)
    assert 0 < answer.seconds < 5
    sent = world.sent[0]
    texts = texts_sent(sent)
    assert (texts["system"], texts["user"]) == (PLAIN.system, PLAIN.user)
    assert sent["model"] == "some-model"
    assert "tools" not in sent or not sent["tools"]
    assert "99" in json.dumps(sent)
    assert "0.0" in json.dumps(sent)
    assert not sent.get("stream")


def test_the_key_is_sent_as_the_vendor_wants_it(world: World) -> None:
    world.reply(200, world.vendor.answer("x")).model().ask(PLAIN)
    assert world.keys == [world.vendor.key_sent]


def test_json_under_a_schema(world: World) -> None:
    world.reply(200, world.vendor.json_answer({"amount": 12.5}))
    answer = world.model().ask(Request("s", "u", SCHEMA))
    assert json.loads(answer.text) == {"amount": 12.5}
    assert answer.finish_reason == "stop"
    assert schema_sent(world.sent[0], world.vendor) == SCHEMA


def test_a_seed_is_sent_where_the_vendor_knows_one(world: World) -> None:
    world.reply(200, world.vendor.answer("x")).model().ask(Request("s", "u", seed=4242))
    assert ('"seed": 4242' in json.dumps(world.sent[0])) == world.vendor.seeded


def test_settings_are_sent(world: World) -> None:
    settings = {"temperature": 0.75, "max_tokens": 1234, "extra": {"top_k": 17}}
    world.reply(200, world.vendor.answer("x")).model(settings=settings).ask(PLAIN)
    text = json.dumps(world.sent[0])
    assert '"temperature": 0.75' in text
    assert "1234" in text
    assert '"top_k": 17' in text
    assert "99" not in text


def test_no_temperature_where_it_is_none(world: World) -> None:
    world.reply(200, world.vendor.answer("x")).model(settings={"temperature": None}).ask(PLAIN)
    sent = world.sent[0]
    assert "temperature" not in sent
    assert sent.get("options", {}).get("temperature") is None


def test_an_answer_cut_by_its_limit_says_so(world: World) -> None:
    world.reply(200, world.vendor.answer("12", cut=True))
    assert world.model().ask(PLAIN).finish_reason == "length"


def test_an_over_length_request_is_refused_at_once(world: World) -> None:
    world.reply(400, world.vendor.error(f"prompt is too long, {KEY}"))
    assert "too long" in refusal(world.model(), CallRefused)
    assert len(world.sent) == 1


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_what_no_call_can_mend(world: World, status: int) -> None:
    world.reply(status, world.vendor.error(f"no use: {KEY}"))
    assert f"HTTP {status}" in refusal(world.model(), ModelUnavailable)
    assert len(world.sent) == 1


def test_patience_is_given_as_it_is_asked_for(world: World) -> None:
    world.reply(429, world.vendor.error("slow down"), Retry_After="7")
    world.reply(503, world.vendor.error("busy")).reply(200, world.vendor.answer("at last"))
    answer = world.model().ask(PLAIN)
    assert (answer.text, answer.retries) == ("at last", 2)
    # Ollama's SDK hands on no headers.
    blind = world.vendor.speaks == "ollama" and world.vendor.client == "sdk"
    assert world.pauses == ([0.5, 1.0] if blind else [7.0, 1.0])


def test_patience_has_an_end(world: World) -> None:
    world.reply(500, world.vendor.error(f"broken {KEY}"))
    assert "5 attempts" in refusal(world.model(), TransientError)
    assert len(world.sent) == 5
    assert world.pauses == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"choices": null, "error": "x"}'])
def test_a_body_that_is_no_answer(world: World, body: str) -> None:
    world.reply(200, body)
    refusal(world.model(), TransientError)
    assert len(world.sent) == 5


def test_nobody_listens(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        model = world.model(base_url=address)
        assert model.check() is None  # makes no call
        assert "did not answer" in refusal(model, TransientError)
    assert len(world.pauses) == 4


def test_somebody_listens_and_says_nothing(world: World) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        model = world.model(base_url=address, timeout_seconds=0.5)
        assert "2 attempts: no answer in time" in refusal(model, TransientError)
    assert world.pauses == [0.5]


def test_a_missing_key_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_ENV)
    model = world.model()
    assert KEY_ENV in (model.check() or "")
    assert KEY_ENV in refusal(model, ModelUnavailable)
    assert world.sent == []


def test_the_key_is_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world.reply(429, world.vendor.error("x")).reply(200, world.vendor.answer("x"))
        world.model().ask(PLAIN)
    assert KEY not in caplog.text


def test_a_closed_model_opens_again(world: World) -> None:
    world.reply(200, world.vendor.answer("x"))
    model = world.model()
    model.ask(PLAIN)
    model.close()
    model.close()
    assert model.ask(PLAIN).text == "x"
