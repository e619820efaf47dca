"""Whether a text quotes another one, whatever the case, the spacing and the punctuation."""

import unicodedata
from functools import lru_cache

LONGEST_SHARED = 48
"""Letters and digits in a row that two texts may share by chance."""
LONGEST_SHARED_DENSE = 16
"""The same where a character is a syllable or a word (Chinese, Japanese, Korean)."""
KEPT, KEPT_DENSE = 6, 2
"""Letters of a sequence by which a rewrite is distinguished from another text."""
_DENSE = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")


def find_quote(text: str, source: str, *, allowed: str = "") -> str:
    """The first part of `source` that `text` quotes and `allowed` does not; '' where none.

    It is shown without spaces and punctuation, at the length that made it a quote.
    """
    squeezed, parts = _squeeze(text), _squeeze(source)
    length = _quote_length(parts)
    known = _windows(parts, length)
    if known.isdisjoint(_windows(squeezed, length)):
        return ""
    before = _squeeze(allowed)
    for start in range(len(squeezed) - length + 1):
        part = squeezed[start : start + length]
        if part in known and part not in before:
            return part
    return ""


def measure_kept(text: str, previous: str) -> float | None:
    """Share of the previous version's letter sequences that a text keeps, in any order.

    Sequences are of six letters, two where a character is a syllable or a word. None for a previous
    version that is too short to say.
    """
    before, after = _squeeze(previous), _squeeze(text)
    size = KEPT_DENSE if _is_dense(before) else KEPT
    if len(before) < 40 * size // KEPT:
        return None
    there = _windows(before, size)
    return len(there & _windows(after, size)) / len(there)


@lru_cache(maxsize=512)
def _squeeze(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


@lru_cache(maxsize=512)
def _quote_length(squeezed: str) -> int:
    """Of a quote of this text: a text that is shorter is quoted as a whole."""
    most = LONGEST_SHARED_DENSE if _is_dense(squeezed) else LONGEST_SHARED
    return max(min(most, len(squeezed)), most // 2)


def _is_dense(squeezed: str) -> bool:
    sample = squeezed[:2000]
    dense = sum(unicodedata.name(c, "").startswith(_DENSE) for c in sample)
    return dense * 2 > len(sample)


@lru_cache(maxsize=512)
def _windows(squeezed: str, length: int) -> frozenset[str]:
    return frozenset(squeezed[i : i + length] for i in range(len(squeezed) - length + 1))
