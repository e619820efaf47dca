"""An object within an answer: taken out where there is one alone, else told."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.evaluate.answers import parse_answer
from prompt_lab.evaluate.extract import extract_object
from prompt_lab.records import RunError

WRAPPED = [
    '```json\n{"a": 1}\n```',
    '```\n{"a": 1}\n```\n',
    'Here it is:\n\n```json\r\n{"a": 1}\r\n```\r\nDone.',
    '<think>maybe {"a": 2}</think>\n{"a": 1}',
    '<THINK>x</THINK><reasoning>y</reasoning> {"a": 1}',
    'The answer is {"a": 1}.',
    'Use braces { like this } and answer {"a": 1}',
]


@pytest.mark.parametrize("text", WRAPPED)
def test_it_is_an_answer_only_where_the_step_says_extract(text: str) -> None:
    assert parse_answer(text, None, extract=True) == {"a": 1}
    strict = parse_answer(text, None)
    assert isinstance(strict, RunError)
    assert "answer: extract" in strict.message
    assert text.split(maxsplit=1)[0] in strict.message


@pytest.mark.parametrize(
    "text", ['{"a": 1} or {"a": 2}', "no object", '```json\n{"a": \n```', "{" * 99]
)
def test_without_one_alone_the_error_shows_what_stood_there(text: str) -> None:
    error = parse_answer(text, None, extract=True)
    assert isinstance(error, RunError)
    assert error.kind == "invalid_json"
    assert " ".join(text.split())[:40] in error.message
    assert "answer: extract" not in error.message


def test_an_object_that_is_cut_off_is_truncated() -> None:
    error = parse_answer('```json\n{"a": 1, "b": ', None, "length", extract=True)
    assert isinstance(error, RunError)
    assert error.kind == "truncated"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4))
def test_every_object_is_found_in_a_fence(value: dict[str, object]) -> None:
    assert json.loads(extract_object(f"So:\n```json\n{json.dumps(value)}\n```")) == value


@given(st.text(alphabet='{}[]"`<think>\n a:1'))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(parse_answer(text, None, extract=True), dict | RunError)


def test_a_hostile_text_costs_seconds_of_cpu_at_most() -> None:
    before = time.process_time()
    extract_object('{"a":' * 200_000)
    extract_object("<think>" * 200_000)
    extract_object("```\n{" * 100_000)
    assert time.process_time() - before < 20
