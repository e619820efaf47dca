"""Texts of agents as a pull request or a commit may show them: words, and nothing that acts.

A code host reads more than words: a name after @ is notified, #1 is linked and perhaps closed, an
image is fetched from wherever it lies, a comment is hidden from the reader and not from a model.
"""

import re

_BREAK = "\u200b"
"""Shows nothing, and ends what would be a mention, a reference or an address."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef"
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0\U0001d173-\U0001d17a]"
)
"""Control characters but tab and line feed, signs that turn the direction of text, and signs
without a shape, which can hold words that only a model reads."""
_ACTIVE = re.compile(
    r"""
    (?P<at>@)(?=\w)                                # a mention
    | (?P<hash>\#)(?=\d)                           # a reference, with or without a repository
    | (?P<gh>\b[Gg][Hh])(?=-\d)                    # the same, as GH-1
    | (?P<scheme>\b(?:https?|ftp|mailto|data|javascript):)(?=\S)  # an address
    | (?P<www>\bwww)(?=\.)
    | (?P<image>!)(?=\[)
    | (?P<skip>\[)(?=\s*(?:skip|ci|no|actions)[ -]+(?:ci|skip|actions)\s*\])  # no workflow runs
    | ^(?P<trailer>skip-checks|[\w-]+-by)(?=\s*:)                       # of a commit's message
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_MARKUP = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def escape_line(text: str) -> str:
    r"""A title, or the subject of a commit: plain text on one line.

    >>> escape_line("closes #1,\nsays @me\x1b[2J").replace("\u200b", "|")
    'closes #|1, says @|me[2J'
    """
    return _deactivated(" ".join(_seen(text).split()))


def escape_text(text: str) -> str:
    """The message of a commit: plain text on many lines."""
    return _deactivated(_seen(text))


def escape_markdown(text: str) -> str:
    r"""A part of a description, in Markdown. Its lists, headings and emphasis stay.

    >>> escape_markdown("A <!-- hidden --> ![x](http://a/b.png)").replace("\u200b", "|")
    'A &lt;!-- hidden --&gt; !|[x](http:|//a/b.png)'
    """
    seen = _seen(text)
    lines = [_escaped_line(line) for line in seen.split("\n")]
    return _deactivated("\n".join(lines))


def _escaped_line(line: str) -> str:
    """A quotation may begin a line; every other sign of HTML is a letter."""
    quoted = re.match(r"[ >]*", line)
    head = quoted[0] if quoted else ""
    return head + "".join(_MARKUP.get(char, char) for char in line[len(head) :])


def _seen(text: str) -> str:
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _deactivated(text: str) -> str:
    return _ACTIVE.sub(lambda found: found[0] + _BREAK, text)
