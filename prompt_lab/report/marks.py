"""Where two texts differ, word by word, as spans that a template can mark."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

# Scripts without spaces go letter by letter; elsewhere a number or a date is one word.
_TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|\w+(?:[.,:/'’-]\w+)*|\s+|[^\w\s]")
_SHOWN = str.maketrans({" ": "·", "\t": "→\t", "\r": "␍"})


class Span(NamedTuple):
    """A piece of text, and whether the other text lacks it."""

    text: str
    changed: bool


class Marked(NamedTuple):
    """Both texts in spans."""

    left: tuple[Span, ...]
    right: tuple[Span, ...]


def unmarked(text: str) -> tuple[Span, ...]:
    """A text without marks."""
    return (Span(text, False),) if text else ()


def mark_differing_words(left: str, right: str) -> Marked:
    """Mark the words that differ; white space is left out of account.

    >>> words("the total is 12.50", "the  total was 12.50").left
    (Span(text='the total ', changed=False), Span(text='is', changed=True), \
Span(text=' 12.50', changed=False))
    """
    a, b = tokens(left), tokens(right)
    at_a = [i for i, token in enumerate(a) if not token.isspace()]
    at_b = [i for i, token in enumerate(b) if not token.isspace()]
    matcher = SequenceMatcher(None, [a[i] for i in at_a], [b[i] for i in at_b], autojunk=True)
    same_a: set[int] = set()
    same_b: set[int] = set()
    for block in matcher.get_matching_blocks():
        same_a.update(at_a[block.a : block.a + block.size])
        same_b.update(at_b[block.b : block.b + block.size])
    return Marked(_spans(a, same_a), _spans(b, same_b))


def spaces(left: str, right: str) -> Marked:
    """Two lines that differ in white space alone, with that white space made visible.

    >>> spaces("a b ", "a b").left
    (Span(text='a b', changed=False), Span(text='·', changed=True))
    """
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    out: tuple[list[Span], list[Span]] = ([], [])
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        for spans, text in zip(out, (left[a0:a1], right[b0:b1]), strict=True):
            if text:
                changed = kind != "equal"
                spans.append(Span(text.translate(_SHOWN) if changed else text, changed))
    return Marked(tuple(out[0]), tuple(out[1]))


def tokens(text: str) -> list[str]:
    """Words, marks and white space; joined they are the text again."""
    return _TOKEN.findall(text)


def _spans(parts: list[str], same: set[int]) -> tuple[Span, ...]:
    """White space between two changed words belongs to the change, so a phrase is one mark."""
    changed = [i not in same and not part.isspace() for i, part in enumerate(parts)]
    for i in range(1, len(parts) - 1):
        if parts[i].isspace() and "\n" not in parts[i]:
            changed[i] = changed[i - 1] and changed[i + 1]
    return tuple(_joined(zip(parts, changed, strict=True)))


def _joined(parts: Iterable[tuple[str, bool]]) -> Iterable[Span]:
    for changed, group in groupby(parts, key=lambda part: part[1]):
        yield Span("".join(text for text, _ in group), changed)
