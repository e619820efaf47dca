"""What is sent is what the prompt file holds, but for what docs/prompts.md says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.evaluate.answers import NEUTRAL_SYSTEM, render
from prompt_lab.prompts.files import decode_text, encode_text
from prompt_lab.prompts.text import describe_placeholders, find_prompt_fault, split
from prompt_lab.propose.sections import halves, is_inert


@pytest.mark.parametrize(
    ("text", "system", "user"),
    [
        ("\n\n    Be brief.  \n\n[user]\n\n  Read\n\n", "    Be brief.  ", "  Read"),
        ("a\r\nb\r\n[user]\r\nc\r\nd\r\n", "a\r\nb", "c\r\nd"),
        ("a\u2028b\u0085c\x0cd\x0be\n[user]\nf\u2028g", "a\u2028b\u0085c\x0cd\x0be", "f\u2028g"),
        ("a\u2028[user]\u2028b", "a\u2028[user]\u2028b", ""),
        ("See\n```\n[user]\n```\n[user]\nx", "See\n```\n[user]\n```", "x"),
        ("~~~~\n[user]\n~~~\n~~~~\n[user]\nx", "~~~~\n[user]\n~~~\n~~~~", "x"),
        ("```\n[user]\nno end of the fence", "```", "no end of the fence"),
        ("a\n[user]\nb\n[user]\nc\n[assistant]\nd", "a", "b\n[user]\nc\n[assistant]\nd"),
        ("[user]\nb", "", "b"),
        (" \n\t\n", "", ""),
    ],
)
def test_the_parts_of_a_file(text: str, system: str, user: str) -> None:
    assert split(text) == (system, user)


@given(st.text(alphabet="a \n\r\u2028\x0c`~[user]"))
def test_the_parts_hold_the_text_in_its_order(text: str) -> None:
    system, user = split(text)
    assert system in text
    assert user in text
    assert "".join(halves(text)) == text
    assert bool(halves(text).user) or not user


def test_a_byte_order_mark_is_no_part_of_a_prompt() -> None:
    content = b"\xef\xbb\xbf[user]\nRead {note}\n"
    assert split(decode_text(content)) == ("", "Read {note}")
    assert encode_text(decode_text(content), like=content) == content
    assert decode_text(b"\xef\xbb\xbf") == ""


def test_a_prompt_written_for_str_format_is_sent_as_format_gives_it() -> None:
    prompt = 'As {{"a": 1}} or {{{note}}}.\n[user]\nRead {note}: {{note}} }}'
    request = render(prompt, {"note": "x{y}"}, None, max_tokens=9, seed=None, style="format")
    wanted = prompt.format(note="x{y}").split("\n[user]\n")
    assert [request.system, request.user] == wanted
    assert find_prompt_fault("[user]\n{{note}}", ["note"], "format") == (
        "holds no '{note}', where the input goes: it says '{{note}}'"
    )


@pytest.mark.parametrize(
    ("prompt", "note"),
    [
        ('Answer as {{"a": 1}}\n[user]\n{note}', "doubled braces in line 1"),
        ("Answer {{}}\n[user]\n{note}", "doubled braces in line 1"),
        ("a\n[user]\n{note}\n[assistant]\nb", "the line '[assistant]' in line 4 is sent as text"),
        ("[system]\na\n[user]\n{note}", "the line '[system]' in line 1"),
        ("```\n[user]\n```\n[user]\n{note}", "the line '[user]' in line 2"),
    ],
)
def test_what_is_sent_as_text_is_told(prompt: str, note: str) -> None:
    assert note in describe_placeholders(prompt, ["note"], "auto")


def test_a_plain_prompt_has_no_notes() -> None:
    for text in ('{"a": 1}\n[user]\n{note}', "[user]\n{{ note }} {{ other }}"):
        assert ";" not in describe_placeholders(text, ["note"], "auto")


def test_without_a_system_part_a_neutral_one_is_sent() -> None:
    assert render("[user]\n{n}", {"n": "x"}, None, max_tokens=9, seed=None).system == NEUTRAL_SYSTEM


def test_a_line_for_the_user_is_never_inert() -> None:
    assert not is_inert("12 EUR\n [user] \n")
    assert is_inert("12 EUR\u2028[user]")
