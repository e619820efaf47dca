"""Spans of a query by punctuation and layout, in any script: sentences, clauses, enumerations."""

import re
from typing import Final, NamedTuple

from prompt_lab.analyze.words import tokens, weight

QUESTION_MARKS: Final = "?？؟\u037e՞⁇"
_ENDS: Final = "!！。।॥۔．" + QUESTION_MARKS
_SENTENCE: Final = re.compile(
    rf"(?<=[{_ENDS}])(?![{_ENDS}\s]*$)\s*|(?<=[^\W\d_]{{2}}\.)\s+|(?<=\d\.)\s+(?=\D)|\n+"
)
"""A full stop ends a sentence only after two letters or a number, and before a space."""
_SOFT: Final = re.compile(r"(?<!\d)[,،，;；؛]|[,،，;；؛](?!\d)")
_ITEM: Final = re.compile(r"[;；؛]|(?<!\d)[,،，、]|[,،，、](?!\d)")
_COLON: Final = re.compile(r"[:：](?!\d|//)")
_MARKER: Final = re.compile(
    r"[①-⑳]"
    r"|(?:^|(?<=[\s:：,;，；。]))(?:[(（]?(?:\d{1,2}|[a-z])[)）.．、](?!\d)|[-*•·–](?=\s))",
    re.MULTILINE,
)
LONGEST_ITEM: Final = 3.0
"""Words of an item of an enumeration. A longer one may refer to another item."""


class Enumeration(NamedTuple):
    """`frame: item, item, …`: the frame ends in a colon and belongs to each item."""

    frame: str
    items: tuple[str, ...]


def cut_sentences(text: str) -> tuple[str, ...]:
    """The sentences, each with its own mark at the end.

    >>> cut_sentences("It costs 1.20. What do 3 cost? 谁写的？在哪里？")
    ('It costs 1.20.', 'What do 3 cost?', '谁写的？', '在哪里？')
    """  # noqa: RUF002 -- the marks are the example
    return _keep_words(_SENTENCE.split(text))


def cut_clauses(sentence: str) -> tuple[str, ...]:
    """The clauses between commas and semicolons of any script; not within numbers.

    >>> cut_clauses("1,200 kg in Oslo, 900 kg in Lima")
    ('1,200 kg in Oslo', '900 kg in Lima')
    """
    return _keep_words(_SOFT.split(sentence))


def is_question(sentence: str) -> bool:
    """Whether it ends in a question mark of any script."""
    return bool(sentence) and sentence.rstrip("\"'”’»」』)） ")[-1:] in tuple(QUESTION_MARKS)


def find_enumeration(text: str) -> Enumeration | None:
    """The short items after the only colon of a text, or after list markers; None if none.

    >>> find_enumeration("For order 17 give: city; weight, item")
    Enumeration(frame='For order 17 give:', items=('city', 'weight', 'item'))
    """
    colons = list(_COLON.finditer(text))
    if len(colons) != 1 or not tokens(text[: colons[0].start()]):
        return None
    frame, rest = text[: colons[0].end()].strip(), text[colons[0].end() :]
    if len(cut_sentences(frame)) > 1 or any(mark in rest for mark in QUESTION_MARKS):
        return None
    parts = _cut_at_markers(rest) or _ITEM.split(rest)
    items = tuple(one.strip(" \t\n.。।۔,;，；、") for one in parts)
    items = tuple(one for one in items if tokens(one))
    if len(items) < 2 or any(weight(tokens(one)) > LONGEST_ITEM for one in items):
        return None
    return Enumeration(frame, items)


def _cut_at_markers(text: str) -> list[str]:
    """The texts after each list marker; [] unless there are two, and nothing stands before them."""
    marks = list(_MARKER.finditer(text))
    if len(marks) < 2 or tokens(text[: marks[0].start()]):
        return []
    ends = [one.start() for one in marks[1:]] + [len(text)]
    return [text[one.start() : end] for one, end in zip(marks, ends, strict=True)]


def _keep_words(parts: list[str]) -> tuple[str, ...]:
    """Stripped parts; one without any word joins the one before it."""
    found: list[str] = []
    for part in (one.strip() for one in parts if one and one.strip()):
        if tokens(part) or not found:
            found.append(part)
        else:
            found[-1] += part
    return tuple(found)
