"""The dialects against each other: what one writes, it reads; what a stream says is whole."""

import json
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from adapters.gateway.relay import PassOn, Translate, rendered
from adapters.wire.dialects import DIALECTS, DialectName
from adapters.wire.dialects.base import Message, Reply, ReplyHeader
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


def test_a_key_that_is_spread_over_two_events_is_not_in_the_text() -> None:
    chat = DIALECTS["chat"]
    writer = chat.writer(STAMP)
    pieces = [writer.write_start(), writer.delta(KEY[:9]), writer.delta(KEY[9:])]
    relay = PassOn(chat, {}, Redactor([KEY]))
    for piece in [*pieces, writer.write_end(Reply(""))]:
        relay.relay_chunk(piece)
    assert relay.end()[1].text == "[key]"


@pytest.mark.parametrize("told", [(-5, 2), (5, -2), (5, "2"), (5, 2.5)])
def test_tokens_that_cannot_be_are_unknown(told: tuple[Any, Any]) -> None:
    usage = dict(zip(("prompt_tokens", "completion_tokens"), told, strict=True))
    choices = [{"message": {"content": "x"}, "finish_reason": "stop"}]
    reply = DIALECTS["chat"].read(json.dumps({"choices": choices, "usage": usage}).encode())
    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("x", None, None)
