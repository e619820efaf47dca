"""Split text of any language into words by Unicode properties, without word lists."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_SIMPLE = re.compile(r"\w+(?:['’]\w+)*")
_BEYOND_LATIN = re.compile("[\u0300-\U0010ffff]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f"
    "\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CURLY = "\u2010\u2011\u2012\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
_UNSPACED = (  # scripts that put no space between words: each character stands for itself
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
HALF = 0.5
"""Words per character of a script without spaces: two characters are about one word."""


BYTES_PER_TOKEN = 4
"""A rule of thumb that holds within a third for most languages and tokenisers."""


class Word(NamedTuple):
    """A word, casefolded, and its position in its text."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """The words of a text in order; in scripts without spaces, its characters.

    >>> [word.text for word in split_words("Don't stop — 3 Äpfel!")]
    ["don't", 'stop', '3', 'äpfel']
    >>> [word.text for word in split_words("合計は 12")]
    ['合', '計', 'は', '12']
    """
    if not _BEYOND_LATIN.search(text.translate(_PLAIN)):
        return [Word(m.group().casefold(), m.start(), m.end()) for m in _SIMPLE.finditer(text)]
    return list(_scan(text))


def visible(text: str) -> str:
    r"""A text as a reader sees it: without signs that show nothing, in one form of each letter.

    >>> visible("In\u200bvoice\x08 \uff19\uff10\u2028to pay")
    'Invoice 90\u2028to pay'
    """
    if text.isascii():
        return _UNSEEN.sub("", text)
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)))


def tokens(text: str) -> tuple[str, ...]:
    """The words alone."""
    return tuple(word.text for word in split_words(text))


def weight(parts: Sequence[str]) -> float:
    """How many words these are worth: a character of an unspaced script is half a word.

    >>> weight(("total", "合", "計"))
    2.0
    """
    return sum(HALF if _kind(part[0]) == "char" else 1.0 for part in parts)


def line(parts: Sequence[str]) -> str:
    """Words as one line with a space at both ends, so that `in` finds whole words side by side.

    >>> line(["net", "total"]) in line(["the", "net", "total"])
    True
    """
    return f" {' '.join(parts)} "


def estimated_tokens(text: str) -> int:
    """About how many tokens a model counts."""
    return -(-len(text.encode(errors="replace")) // BYTES_PER_TOKEN)


def spelled(text: str, found: Sequence[Word], first: int, count: int) -> str:
    """`count` words from number `first` on, as the text spells them, on one line."""
    return " ".join(text[found[first].start : found[first + count - 1].end].split())


def _scan(text: str) -> Iterator[Word]:
    start = -1
    for at, char in enumerate(text):
        kind = _kind(char)
        joins = kind == "join" and start >= 0 and text[at + 1 : at + 2].isalnum()
        if kind == "word" or (kind == "mark" and start >= 0) or joins:
            start = at if start < 0 else start
            continue
        if start >= 0:
            yield Word(text[start:at].casefold(), start, at)
            start = -1
        if kind == "char":
            yield Word(char, at, at + 1)
    if start >= 0:
        yield Word(text[start:].casefold(), start, len(text))


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if any(low <= ord(char) <= high for low, high in _UNSPACED):
        return "char" if category[0] in "LM" else "word" if category[0] == "N" else "gap"
    if category[0] in "LN" or char == "_":
        return "word"
    if category[0] == "M" or char in "\u200c\u200d":
        return "mark"
    return "join" if char in "'’" else "gap"


_PLAIN = {ord(char): " " for char in _CURLY}
