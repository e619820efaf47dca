"""render and parse_answer: what is sent, and what an answer is taken for."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.evaluate.answers import (
    NEUTRAL_SYSTEM,
    blob_id,
    parse_answer,
    render,
    request_sha256,
)
from prompt_lab.records import RunError

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "currency": {"enum": ["EUR", "USD"]}},
    "required": ["amount"],
}
PROMPT = "Read the note.\n[user]\nNote: {note}\n"
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def kind(text: str, finish_reason: str = "stop") -> str:
    parsed = parse_answer(text, SCHEMA, finish_reason)
    assert isinstance(parsed, RunError)
    return parsed.kind


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "empty_answer"),
        (" \n", "empty_answer"),
        ("The amount is 12.", "invalid_json"),
        ('```json\n{"amount": 1}\n```', "invalid_json"),
        ('{"amount": 1} done', "invalid_json"),
        ('{"amount": NaN}', "invalid_json"),
        ('{"amount": 1e999}', "invalid_json"),
        ('{"amount": 1, "amount": 2}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ("9" * 5_000, "invalid_json"),
        ("[1]", "wrong_type"),
        ("null", "wrong_type"),
        ("{}", "missing_field"),
        ('{"amount": "12"}', "wrong_type"),
        ('{"amount": true}', "wrong_type"),
        ('{"amount": null}', "wrong_type"),
        ('{"amount": 1, "currency": "DM"}', "not_allowed"),
    ],
)
def test_a_bad_answer_has_its_kind(text: str, wanted: str) -> None:
    assert kind(text) == wanted


def test_an_answer_cut_at_the_limit_is_truncated_unless_it_is_whole() -> None:
    assert kind('{"amount": 1', "length") == "truncated"
    assert kind("", "length") == "truncated"
    assert parse_answer('{"amount": 1}\n\n\n', SCHEMA, "length") == {"amount": 1}


def test_a_good_answer_is_what_it_says() -> None:
    assert parse_answer(' {"amount": 12.5, "currency": "EUR"} ', SCHEMA) == {
        "amount": 12.5,
        "currency": "EUR",
    }


def test_the_message_names_the_field() -> None:
    parsed = parse_answer('{"amount": "a"}', SCHEMA)
    assert isinstance(parsed, RunError)
    assert "'amount'" in parsed.message
    assert "number" in parsed.message


@given(st.text(), st.sampled_from(["stop", "length"]))
def test_no_text_breaks_the_parser(text: str, finish_reason: str) -> None:
    assert isinstance(parse_answer(text, SCHEMA, finish_reason), dict | RunError)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_every_object_comes_back(value: dict[str, object]) -> None:
    assert parse_answer(json.dumps(value), None) == value


def test_render_fills_and_always_has_a_system_message() -> None:
    request = render(PROMPT, {"note": "pay {me}"}, SCHEMA, max_tokens=9, seed=3)
    assert (request.system, request.user) == ("Read the note.", "Note: pay {me}")
    assert (request.schema, request.max_tokens, request.seed) == (SCHEMA, 9, 3)
    bare = render("[user]\n{note}", {"note": "x"}, None, max_tokens=9, seed=None)
    assert (bare.system, bare.user) == (NEUTRAL_SYSTEM, "x")


def test_the_request_hash_tells_prompts_and_the_order_of_fields_apart_but_not_seeds() -> None:
    def digest(prompt: str, schema: dict[str, Any], seed: int) -> str:
        request = render(prompt, {"note": "x"}, schema, max_tokens=9, seed=seed)
        return request_sha256(request)

    turned = {**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))}
    first = digest(PROMPT, SCHEMA, 1)
    assert first == digest(PROMPT, SCHEMA, 2)
    assert first != digest(PROMPT + "Be brief.", SCHEMA, 1)
    assert first != digest(PROMPT, turned, 1)


def test_the_blob_id_is_gits(tmp_path: Path) -> None:
    content = "Zahlbar: 12 €\n".encode()
    (tmp_path / "a.txt").write_bytes(content)
    told = subprocess.run(
        ["git", "hash-object", "a.txt"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert blob_id(content) == told.stdout.strip()
