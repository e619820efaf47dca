"""Keys are found by their value, their shape and their name; words are left alone."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from prompt_lab.redact import HIDDEN, Redactor

KEY = "sk-stand-in-0123456789abcdef"
SHAPED = (
    "sk-live-0123456789abcdefghij",
    "AIza" + "0123456789" * 4,
    "ghp_" + "0123456789" * 4,
    "github_pat_" + "0123456789" * 4,
    "hf_" + "abcdefghij" * 3,
    "xoxb-0123456789-abcdef",
    "AKIAIOSFODNN7EXAMPLE",
)


@given(st.text(), st.text())
def test_a_known_key_is_found_anywhere_and_json_stays_json(before: str, after: str) -> None:
    body = {
        "a": [before + KEY + after],
        "api_key": before,
        "password": after,
        f"x{before}": "Bearer x",
    }
    shown = Redactor([KEY, "", "short"]).text(json.dumps(body, ensure_ascii=False))
    assert KEY not in shown
    found = json.loads(shown)
    assert HIDDEN in found["a"][0]


def test_words_stay_words() -> None:
    text = 'the key of the matter, "keynote": "yes", tokens: 7, a basic bearer, task-oriented'
    assert Redactor(["short"]).text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh12345", f"Authorization: Bearer {HIDDEN}"),
        ("https://x/?a=1&api_key=abc&b=2", f"https://x/?a=1&api_key={HIDDEN}&b=2"),
        ('{"x-api-key": "a b\\\\", "c": 1}', f'{{"x-api-key": "{HIDDEN}", "c": 1}}'),
        ('"{\\"apiKey\\": \\"me\\"}"', f'"{{\\"apiKey\\": \\"{HIDDEN}\\"}}"'),
        ("it is sk-ant-api03-abcdefghijkl.", f"it is {HIDDEN}."),
        ("AKIAIOSFODNN7EXAMPLE", HIDDEN),
        *((f"KEY_{key}", f"KEY_{HIDDEN}") for key in SHAPED),
        *((f"x{key}", f"x{key}") for key in SHAPED),
    ],
)
def test_what_looks_like_a_key_is_hidden(text: str, shown: str) -> None:
    assert Redactor([]).text(text) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"known: {KEY}", f"known: {HIDDEN}"),
        ("spelled: sk-made-up-by-a-model é", f"spelled: {HIDDEN} é"),
        ('{"password": "blue"}', '{"password": "blue"}'),
        ("Bearer of bad news", "Bearer of bad news"),
    ],
)
def test_an_answer_loses_keys_only(said: str, shown: str) -> None:
    assert Redactor([KEY]).answer(said) == shown
    assert Redactor([KEY]).answer_bytes(said.encode()) == shown.encode()


def test_an_escaped_key_is_found_in_an_answer() -> None:
    escaped = "".join(f"\\u{ord(c):04X}" for c in KEY)
    data = f'{{"a": "{escaped}", "b": "{KEY[:3]}\\u{ord(KEY[3]):04x}{KEY[4:]}"}}'.encode()
    assert KEY in json.loads(data)["a"]
    assert json.loads(Redactor([KEY]).answer_bytes(data)) == {"a": HIDDEN, "b": HIDDEN}


@pytest.mark.parametrize("gap", ["\n", "\r\n", "\n    ", "\t", "\u2028"])
def test_no_white_space_hides_a_known_key(gap: str) -> None:
    redactor = Redactor(["hunter-2-hunter-2", "secret"])
    text = f"It is hunter-2-{gap}hunter-2. A sec ret stays."
    assert redactor.text(text) == f"It is {HIDDEN}. A sec ret stays."
    assert redactor.find_secrets(text) == {"hunter-2-hunter-2"}
