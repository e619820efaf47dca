"""How a prompt is filled: both styles of placeholders, literal braces, inputs that hold braces."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.evaluate.answers import NEUTRAL_USER, render
from prompt_lab.ports import Request
from prompt_lab.prompts.text import DeclaredStyle, find_prompt_fault, split

INPUT = "THE INPUT"
FORMS = ["{text}", "{{text}}", "{{ text }}"]
LITERAL = st.text(st.sampled_from('{}ab: ,"\n'), max_size=30).map(lambda s: s.replace("text", ""))
"""Text full of braces in which no placeholder is complete."""
WORDS = st.text(st.sampled_from("ab {}\"'%$\\1\n"), min_size=1, max_size=20)


def _render(
    prompt: str, style: DeclaredStyle = "auto", inputs: Mapping[str, str] | None = None
) -> Request:
    return render(prompt, inputs or {"text": INPUT}, None, max_tokens=8, seed=None, style=style)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_the_placeholder(form: str) -> None:
    request = render(f"S\n[user]\nRead: {form}.", {"text": INPUT}, None, max_tokens=8, seed=None)
    assert (request.system, request.user) == ("S", f"Read: {INPUT}.")


@pytest.mark.parametrize("form", FORMS)
def test_an_input_in_the_system_part_is_not_sent_again(form: str) -> None:
    request = render(f"Read {form}.", {"text": INPUT}, None, max_tokens=8, seed=None)
    assert (request.system, request.user) == (f"Read {INPUT}.", NEUTRAL_USER)


def test_inputs_that_the_system_part_lacks_are_the_user_message() -> None:
    inputs = {"a": "A!", "b": "B!", "c": "C!"}
    request = render("Read {b}.", inputs, None, max_tokens=8, seed=None)
    assert (request.system, request.user) == ("Read B!.", "A!\n\nC!")
    assert render("Read.", inputs, None, max_tokens=8, seed=None).user == "A!\n\nB!\n\nC!"


@pytest.mark.parametrize(
    ("style", "prompt", "sent"),
    [
        ("auto", 'Like {"a": {"b": 1}}: {text}', f'Like {{"a": {{"b": 1}}}}: {INPUT}'),
        ("auto", 'Like {"a": {"b": 1}}: {{ text }}', f'Like {{"a": {{"b": 1}}}}: {INPUT}'),
        ("auto", '{"given": {text}}', f'{{"given": {INPUT}}}'),
        ("auto", '{"given": {{text}}}', f'{{"given": {INPUT}}}'),
        (
            "auto",
            "{{text}} {other} {{ other }} {{}} {}",
            f"{INPUT} {{other}} {{{{ other }}}} {{{{}}}} {{}}",
        ),
        ("single", "{text} {{text}} {{ text }}", f"{INPUT} {{{{text}}}} {{{{ text }}}}"),
        ("double", "{text} {{text}} {{ text }}", f"{{text}} {INPUT} {INPUT}"),
    ],
)
def test_literal_braces_stay(style: DeclaredStyle, prompt: str, sent: str) -> None:
    assert _render(f"[user]\n{prompt}", style).user == sent


@pytest.mark.parametrize(
    ("style", "prompt", "words"),
    [
        ("auto", "[user]\nRead:", ["holds no '{text}'"]),
        ("double", "[user]\nRead: {text}", ["holds no '{{text}}'", "it says '{text}'"]),
        ("single", "[user]\nRead: {{text}}", ["holds no '{text}'", "it says '{{text}}'"]),
        ("auto", "[user]\nRead: { text }", ["holds no '{text}'", "it says '{ text }'"]),
        ("auto", "Read: {{ text | trim }}", ["holds no '{text}'", "it says '{{ text | trim }}'"]),
        ("auto", "Read: {TEXT}", ["holds no '{text}'", "it says '{TEXT}'"]),
        ("auto", "Read:\n{{text} or {text}", ["says '{{text}' in line 2", "do not match"]),
        (
            "auto",
            "Read {text}\n[user]\n{{ text }}",
            ["two styles", "'{text}' in line 1", "'{{ text }}' in line 3", "placeholder_style"],
        ),
    ],
)
def test_a_prompt_that_loses_its_input_says_how(
    style: DeclaredStyle, prompt: str, words: list[str]
) -> None:
    fault = find_prompt_fault(prompt, ["text"], style)
    assert fault is not None
    assert all(word in fault for word in words), fault


@pytest.mark.parametrize("prompt", ["Read.", "Read {text}", "{{ text }}\n[user]\nGo.", "[user]\n"])
def test_a_prompt_that_gets_its_input_has_no_fault(prompt: str) -> None:
    assert find_prompt_fault(prompt, ["text"], "auto") is None


@given(before=LITERAL, form=st.sampled_from(FORMS), after=LITERAL, text=WORDS)
def test_only_the_placeholder_changes(before: str, form: str, after: str, text: str) -> None:
    request = render(
        f"S\n[user]\n>{before} {form} {after}<", {"text": text}, None, max_tokens=8, seed=None
    )
    assert request.user == f">{before} {text} {after}<"


@given(
    text=st.sampled_from([*FORMS, "{other}", "{{ other }}", "[user]", "\\1 \\g<0>"]), other=WORDS
)
def test_an_input_is_never_filled(text: str, other: str) -> None:
    inputs = {"text": f"<{text}>", "other": other}
    for prompt in ("[user]\n{text}|{other}", "[user]\n{{ text }}|{{other}}"):
        assert _render(prompt, inputs=inputs).user == f"<{text}>|{other}"
    assert _render("Go.", inputs=inputs).user == f"<{text}>\n\n{other}"


@given(
    parts=st.lists(st.sampled_from([*FORMS, "{", "}", "{{", "}}", "text", " ", '{"a":', "x"])),
    style=st.sampled_from(["auto", "single", "double"]),
)
def test_no_prompt_breaks_the_renderer_and_inputs_are_sent_at_least_once(
    parts: list[str], style: DeclaredStyle
) -> None:
    prompt = "".join(parts)
    request = _render(prompt, style)
    assert f"{request.system}\n{request.user}".count(INPUT) >= 1
    if INPUT in request.system:
        assert request.user == NEUTRAL_USER
    if find_prompt_fault(prompt, ["text"], style) is None:
        assert not (style == "auto" and re.search(r"\{\{?\s*text\s*\}?\}", request.system))


@pytest.mark.parametrize("ending", ["\u2028", "\x0c", "\x85", "\r\n"])
def test_only_a_newline_ends_a_line_of_a_prompt(ending: str) -> None:
    request = _render(f"S\n[user]\nOne{ending}two {{text}}")
    assert request.user == f"One{ending}two {INPUT}"
    assert split(f"a{ending.strip(chr(10))}b") == (f"a{ending.strip(chr(10))}b", "")
