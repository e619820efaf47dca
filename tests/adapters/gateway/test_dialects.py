"""The dialects against each other: what one writes, it reads; what a stream says is whole."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from adapters.gateway.relay import PassOn, Translate, rendered
from adapters.gateway.stream_parts import EventCutter, text_in_event
from adapters.wire.dialects import DIALECTS, DialectName
from adapters.wire.dialects.base import Message, Reply, ReplyHeader, events
from prompt_lab.redact import Redactor
from tests.adapters.gateway.conftest import KEY

STAMP = ReplyHeader("0123-4", 1_700_000_000, "it-was-me", counted=True)
NAMES = st.sampled_from(sorted(DIALECTS))
REPLY = st.builds(
    Reply,
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    finish=st.sampled_from(["stop", "length"]),
    input_tokens=st.integers(0, 10**9),
    output_tokens=st.integers(0, 10**9),
    model=st.just("it-was-me"),
)
ASKED: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}],
        "max_completion_tokens": 7,
        "response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}},
    },
    "responses": {
        "instructions": "S",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "U"}]}],
        "max_output_tokens": 7,
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"a": 1}}},
    },
    "messages": {
        "system": [{"type": "text", "text": "S"}],
        "messages": [{"role": "user", "content": "U"}],
        "max_tokens": 7,
        "tools": [{"name": "answer", "input_schema": {"a": 1}}],
        "tool_choice": {"type": "any"},
    },
    "ollama": {
        "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}],
        "format": {"a": 1},
        "options": {"num_predict": 7, "num_ctx": 4096},
    },
}


@settings(max_examples=60)
@given(NAMES, REPLY, st.booleans())
def test_what_is_written_is_read(name: DialectName, reply: Reply, streamed: bool) -> None:
    dialect = DIALECTS[name]
    data = rendered(dialect, reply, STAMP, streamed=streamed)
    assert (dialect.read_stream(data) if streamed else dialect.read(data)) == reply


@settings(max_examples=60)
@given(NAMES, REPLY, st.lists(st.integers(0, 400), max_size=6))
def test_a_stream_is_the_same_however_it_is_cut(
    name: DialectName, reply: Reply, cuts: list[int]
) -> None:
    dialect, data = DIALECTS[name], rendered(DIALECTS[name], reply, STAMP, streamed=True)
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    relay = PassOn(dialect, asked, Redactor([]))
    out = b"".join(relay.relay_chunk(piece) for piece in _pieces(data, cuts))
    rest, found = relay.end()
    assert (out + rest, found) == (data, reply)


@settings(max_examples=60)
@given(st.sampled_from(["responses", "messages", "ollama"]), REPLY, st.lists(st.integers(0, 400)))
def test_a_translated_stream_says_the_same(
    name: DialectName, reply: Reply, cuts: list[int]
) -> None:
    data = rendered(DIALECTS["chat"], reply, STAMP, streamed=True)
    relay = Translate(DIALECTS[name], STAMP, Redactor([]))
    out = b"".join(relay.relay_chunk(piece) for piece in _pieces(data, cuts))
    rest, found = relay.end()
    assert found == reply
    assert DIALECTS[name].read_stream(out + rest) == reply


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("name", ASKED)
def test_the_same_is_asked_in_every_dialect(name: DialectName) -> None:
    ask = DIALECTS[name].ask(ASKED[name])
    assert ask.messages == (Message("system", "S"), Message("user", "U"))
    assert (ask.schema, ask.settings, ask.refused) == ({"a": 1}, {"max_tokens": 7}, ())
    assert ask.dropped == (("options.num_ctx",) if name == "ollama" else ())


@pytest.mark.parametrize("name", ["chat", "responses", "messages", "ollama"])
def test_the_input_of_a_tool_is_the_answer(name: DialectName) -> None:
    dialect = DIALECTS[name]
    stamp = ReplyHeader("0", 0, "m", tool="answer")
    reply = Reply('{"a":1}', "stop", 3, 4, "m")
    for streamed in (False, True):
        data = rendered(dialect, reply, stamp, streamed=streamed)
        assert b"answer" in data
        if name != "ollama":
            found = dialect.read_stream(data) if streamed else dialect.read(data)
            assert json.loads(found.text) == {"a": 1}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"error": "x"}', b"data: {\n\n", b"\xff"])
def test_what_is_no_answer_is_not_read_as_one(name: DialectName, data: bytes) -> None:
    for read in (DIALECTS[name].read, DIALECTS[name].read_stream):
        with pytest.raises(ValueError, match=r"."):
            read(data)


def _letters(name: DialectName, text: str) -> list[bytes]:
    """A stream that says a text letter by letter, as models do."""
    writer = DIALECTS[name].writer(STAMP)
    return [writer.write_start(), *map(writer.delta, text), writer.write_end(Reply(""))]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("said", [f"It is {KEY}, no?", KEY], ids=["in a sentence", "alone"])
def test_8_a_stream_that_spells_a_key_is_broken_off_before_its_end(
    name: DialectName, said: str
) -> None:
    relay, shown = PassOn(DIALECTS[name], {}, Redactor([KEY])), list[bytes]()

    def run() -> None:
        for piece in _letters(name, said):
            shown.append(relay.relay_chunk(piece))
        relay.end()

    with pytest.raises(ValueError, match="repeats a key"):
        run()
    texts = "".join(text_in_event(found) for found in events(b"".join(shown)))
    assert KEY[:3] not in texts


@pytest.mark.parametrize("name", DIALECTS)
def test_a_stream_that_only_begins_like_a_key_is_whole(name: DialectName) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    relay = PassOn(DIALECTS[name], asked, Redactor([KEY]))
    pieces = _letters(name, f"{KEY[:-1]}! sk")
    shown = b"".join(relay.relay_chunk(piece) for piece in pieces)
    assert shown + relay.end()[0] == b"".join(pieces)


@pytest.mark.parametrize("name", ["responses", "messages", "ollama"])
def test_8_a_translated_stream_hides_a_key_that_is_spelled(name: DialectName) -> None:
    relay = Translate(DIALECTS[name], STAMP, Redactor([KEY]))
    shown = b"".join(map(relay.relay_chunk, _letters("chat", f"It is {KEY}, no? {KEY[:7]}")))
    rest, reply = relay.end()
    assert reply.text == f"It is [key], no? {KEY[:7]}"
    assert DIALECTS[name].read_stream(shown + rest).text == reply.text


def test_a_key_in_any_field_of_a_reply_is_hidden() -> None:
    said = Reply("x", KEY, 1, 2, KEY)
    for name, dialect in DIALECTS.items():
        relay = PassOn(dialect, {}, Redactor([KEY]))
        relay.relay_chunk(rendered(dialect, said, replace(STAMP, model=KEY), streamed=True))
        found = relay.end()[1]
        assert KEY not in found.finish + found.model, name


def test_events_are_cut_in_time_that_grows_with_their_length_alone() -> None:
    class Counting(EventCutter):
        looked_at = 0

        def feed(self, data: bytes) -> bytes:
            before = self._seen
            found = super().feed(data)
            Counting.looked_at += self._seen - max(0, before - 3)
            return found

    cutter = Counting("text/event-stream", held=1)
    for _ in range(2000):
        assert cutter.feed(b"data: x ") == b""
    assert Counting.looked_at < 2000 * 8 + 2000 * 4
    assert cutter.feed(b"\n\n") == b""
    assert cutter.feed(b"data: y\n\n") == b"data: x " * 2000 + b"\n\n"
    assert cutter.take_rest() == b"data: y\n\n"


@pytest.mark.parametrize("told", [(-5, 2), (5, -2), (5, "2"), (5, 2.5)])
def test_tokens_that_cannot_be_are_unknown(told: tuple[Any, Any]) -> None:
    usage = dict(zip(("prompt_tokens", "completion_tokens"), told, strict=True))
    choices = [{"message": {"content": "x"}, "finish_reason": "stop"}]
    reply = DIALECTS["chat"].read(json.dumps({"choices": choices, "usage": usage}).encode())
    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("x", None, None)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("deep", ['{"a":' * 100_000, '{"a":' + "[" * 5000 + "]" * 5000 + "}"])
def test_7_a_deep_text_is_written_and_a_deep_refusal_is_put_otherwise(
    name: DialectName, deep: str
) -> None:
    stamp = ReplyHeader("0", 0, "m", tool="answer")
    for streamed in (False, True):
        assert rendered(DIALECTS[name], Reply(deep), stamp, streamed=streamed)
    relay = Translate(DIALECTS[name], stamp, Redactor([]))
    assert json.loads(relay.refusal(400, deep.encode()))
