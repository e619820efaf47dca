"""What an answer claims, sentence by sentence: a frame without its numbers, or a key and value."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from prompt_lab.analyze.words import tokens
from prompt_lab.promptops.decomposition.clauses import cut_sentences
from prompt_lab.promptops.expectations import list_numbers

CITATION: Final = re.compile(r"\s*[\[【]\s*(\d{1,3}(?:\s*[,;、]\s*\d{1,3})*)\s*[\]】]")
_KEY_VALUE: Final = re.compile(r"^\s*([^:：=\n]{1,60})\s*[:：=]\s*(\S.*)$", re.DOTALL)
_NUMBER: Final = re.compile(r"\d")


class AnswerClaim(NamedTuple):
    """One sentence of an answer."""

    text: str
    words: tuple[str, ...]
    """Without citations."""
    frame: tuple[str, ...]
    """What it speaks of: its key, or its words without numbers."""
    value: tuple[str, ...]
    """What it says of that: the words after the key, or its numbers. () where it says neither."""
    is_numeric: bool
    cited: tuple[int, ...]
    """Numbers of the sources that it cites, from 1."""


def list_claims(answer: str) -> tuple[AnswerClaim, ...]:
    """The sentences of an answer that hold words.

    >>> [(one.frame, one.value) for one in list_claims("Weight: 12 kg. There are 3 orders [1].")]
    [(('weight',), ('12', 'kg')), (('there', 'are', 'orders'), ('3',))]
    """
    joined = re.sub(r"([.!?。！？؟।])(\s*[\[【]\s*\d[^\]】]*[\]】])", r"\2\1", answer)
    return tuple(_read_claim(one) for one in cut_sentences(joined) if tokens(CITATION.sub("", one)))


def find_cited(text: str) -> tuple[int, ...]:
    """The numbers of all sources that a text cites, in their order."""
    return tuple(
        int(number) for match in CITATION.finditer(text) for number in re.findall(r"\d+", match[1])
    )


def is_supported(claim: AnswerClaim, sources: Sequence[str]) -> bool:
    """Whether a source that the claim cites holds its whole value, at the borders of words."""
    found = [sources[at - 1] for at in claim.cited if 1 <= at <= len(sources)]
    if claim.is_numeric:
        return any(set(claim.value) <= set(list_numbers(text)) for text in found)
    line = f" {' '.join(claim.value)} "
    return any(line in f" {' '.join(tokens(text))} " for text in found)


def _read_claim(sentence: str) -> AnswerClaim:
    plain = CITATION.sub("", sentence).strip()
    words, numbers = tokens(plain), list_numbers(plain)
    keyed = _KEY_VALUE.match(plain)
    if keyed and tokens(keyed[1]) and tokens(keyed[2]):
        frame, value, is_numeric = tokens(keyed[1]), tokens(keyed[2]), False
    else:
        frame = tuple(word for word in words if not _NUMBER.search(word))
        value, is_numeric = numbers, True
    return AnswerClaim(sentence.strip(), words, frame, value, is_numeric, find_cited(sentence))
