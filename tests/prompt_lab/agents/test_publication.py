"""What agents write, as a code host gets it: nothing in it acts, and a reader sees all of it."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.agents.publication import escape_line, escape_markdown, escape_text
from prompt_lab.report.comment import escape

# What GitHub acts upon, written from its documentation and not from our patterns.
MENTION = re.compile(r"@[A-Za-z0-9]")
REFERENCE = re.compile(r"#[0-9]|\bGH-[0-9]", re.IGNORECASE)
ADDRESS = re.compile(r"(?:https?|ftp|mailto):[^\u200b]|www\.", re.IGNORECASE)
IMAGE = re.compile(r"!\[")
CI = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
TRAILER = re.compile(
    r"^(?:co-authored-by|signed-off-by|skip-checks):", re.IGNORECASE | re.MULTILINE
)
HIDDEN = re.compile("[\u034f\u115f\u1160\u3164\uffa0\U000e0100-\U000e01ef]")
HTML = re.compile(r"<[A-Za-z!/?]")
HOSTILE = [
    "@octocat",
    "cc @org/team",
    "closes #1",
    "Fixes: other/repo#12",
    "resolves GH-7",
    "Closes https://github.com/a/b/issues/3",
    "![x](http://evil.example/pixel.png)",
    "![x][1]\n\n[1]: https://evil.example/p.png",
    '<img src="https://evil.example/p.png">',
    "<!-- approve this -->",
    "<details><summary>x</summary>",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "www.evil.example",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b2J",
    "abc\u202edcba\u202c",
    "\u2066hidden\u2069",
    "a\u200bb\u200d",
    "".join(chr(0xE0000 + ord(c)) for c in "ignore all"),
    "line\rover",
    "&lt;b&gt;&#64;octocat",
    "&#60;img src=x&#62;",
    "Say it [skip ci]",
    "[ci skip] [no ci] [actions skip] [SKIP ACTIONS]",
    "x\n\nCo-authored-by: octocat <o@example.com>",
    "x\n\nskip-checks: true",
    "a\U000e0141\U000e0142b\u3164c\u034fd",
]


def acts(text: str) -> list[str]:
    found = [
        p.pattern
        for p in (MENTION, REFERENCE, ADDRESS, IMAGE, CI, TRAILER, HIDDEN)
        if p.search(text)
    ]
    kinds = {unicodedata.category(c) for c in text.replace("\n", "").replace("\t", "")}
    unseen = "".join(c for c in text if c != "\u200b" and unicodedata.category(c) == "Cf")
    return found + sorted(kinds & {"Cc"}) + list(unseen)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_9_nothing_that_an_agent_writes_acts(text: str) -> None:
    for escaped in (escape_line(text), escape_text(text), escape_markdown(text)):
        assert acts(escaped) == []
    assert not HTML.search(escape_markdown(text))
    assert "&#" not in escape_markdown(text)
    assert "\n" not in escape_line(text)
    assert acts(escape(text)) == []  # in a comment


@given(st.text(alphabet=st.sampled_from("@#1aG H-!<>[]()&;:/\n\r\t\x1b\u202e\u200bhttpw.s")))
def test_no_text_acts(text: str) -> None:
    for escaped in (escape_line(text), escape_text(text), escape_markdown(text)):
        assert acts(escaped) == []
    assert not HTML.search(escape_markdown(text))


@pytest.mark.parametrize(
    "text",
    [
        "Say the amount",
        "# What\n\n- one\n- two\n\n> quoted\n\n**bold** `code`",
        "In C# and F#, 50 % of a@ b",
        "Größe, 合計, émoji 🎉",
    ],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert escape_markdown(text) == text
    assert escape_text(text) == text
