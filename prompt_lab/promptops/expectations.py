"""What an answer is expected to hold, and whether it does: in any language, by words and numbers.

The form is that of query_eval_cases*.json: `expects_any`, `expects_all`, `expect_exact`,
`require_citations`. Texts are compared word by word, without case, spacing and punctuation;
thousands separators within numbers do not count.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pydantic import ConfigDict, Field, field_validator

from prompt_lab.analyze.words import tokens, visible, weight
from prompt_lab.records import Record

_THOUSANDS: Final = re.compile(r"(?<=\d)[,.'’\u00a0\u202f ](?=\d{3}(?!\d))")
_CITATION: Final = re.compile(r"[\[【(]\s*(\d{1,3}(?:\s*[,;、]\s*\d{1,3})*)\s*[\]】)]")
_SENTENCE: Final = re.compile(r"(?<=[.!?؟։।。！？])(?:\s+|(?=[^\s\d\]】)]))|\n+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")
RUN: Final = 3.0
"""Words in a row that make a span: shared by chance only in set phrases."""


class Expectation(Record):
    """What is known of the right answer; every field may be left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    expects_any: tuple[str, ...] = Field(default=(), description="one of these must be in it")
    expects_all: tuple[str, ...] = Field(default=(), description="each of these must be in it")
    expect_exact: str = Field(default="", description="the answer is this, and nothing more")
    require_citations: bool = Field(default=False, description="[1] names the first source")
    sources: tuple[str, ...] = Field(default=(), description="what the answer may rest on")
    question: str = ""

    @field_validator("expects_any", "expects_all", mode="before")
    @classmethod
    def _take_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value or ()

    @field_validator("expect_exact", mode="before")
    @classmethod
    def _take_number(cls, value: Any) -> Any:
        return "" if value is None or value is False else str(value)

    @property
    def has_right_answer(self) -> bool:
        """Whether success can be measured."""
        return bool(self.expects_any or self.expects_all or self.expect_exact)

    @property
    def is_scorable(self) -> bool:
        """Whether anything but the form of an answer can be measured."""
        return self.has_right_answer or bool(self.sources)


def measure_success(answer: str, expected: Expectation) -> float | None:
    """Share of what is expected that the answer holds; None where nothing is expected.

    `expects_any` counts as one; with `expect_exact` the answer is right or wrong.

    >>> measure_success("It was 1,200 kg in Lyon.", Expectation(expects_all=("1200", "lyon")))
    1.0
    >>> measure_success("Paris", Expectation(expect_exact="paris."))
    1.0
    """
    if expected.expect_exact:
        return float(_comparable_words(answer) == _comparable_words(expected.expect_exact))
    credits = [float(holds_phrase(answer, one)) for one in expected.expects_all]
    if expected.expects_any:
        credits.append(float(any(holds_phrase(answer, one) for one in expected.expects_any)))
    return sum(credits) / len(credits) if credits else None


def holds_phrase(text: str, phrase: str) -> bool:
    """Whether a text holds a phrase, at the borders of words.

    >>> holds_phrase("Das sind 12 Stück", "12"), holds_phrase("Das sind 312", "12")
    (True, False)
    """
    wanted = _comparable_words(phrase)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(_comparable_words(text))} "


def measure_grounding(answer: str, sources: Sequence[str], question: str = "") -> float | None:
    """Share of the answer that is found in the sources or in the question; None without sources.

    Words count if they are in a span of three or more that a source has too; each number counts as
    three words and must stand in a source by itself. An empty answer has none.
    """
    if not sources:
        return None
    words = _comparable_words(answer)
    if not words:
        return 0.0
    texts = [_comparable_words(one) for one in (*sources, question)]
    numbers = {word for text in texts for word in text if word.isdigit()}
    spans = _spans(texts)
    covered = [False] * len(words)
    size = _span_size(words)
    for at in range(len(words) - size + 1):
        if words[at : at + size] in spans[size]:
            covered[at : at + size] = [True] * size
    total = held = 0.0
    for word, is_covered in zip(words, covered, strict=True):
        worth = RUN if word.isdigit() else weight((word,))
        total += worth
        held += worth * (word in numbers if word.isdigit() else is_covered)
    return held / total


def measure_citations(answer: str, sources: Sequence[str]) -> float:
    """Share of the answer's sentences that cite a source [n] with which they share something.

    Shared is a number, or a span of words. A citation of a source that is not there counts not.
    """
    sentences = [
        one for one in _split_sentences(answer) if _comparable_words(_CITATION.sub(" ", one))
    ]
    if not sentences:
        return 0.0
    return sum(_is_cited(one, sources) for one in sentences) / len(sentences)


def _is_cited(sentence: str, sources: Sequence[str]) -> bool:
    cited = {
        int(number)
        for match in _CITATION.finditer(sentence)
        for number in re.findall(r"\d+", match[1])
    }
    plain = _CITATION.sub(" ", sentence)
    return any(1 <= at <= len(sources) and _share(plain, sources[at - 1]) for at in cited)


def _share(sentence: str, source: str) -> bool:
    words, there = _comparable_words(sentence), _comparable_words(source)
    if {w for w in words if w.isdigit()} & {w for w in there if w.isdigit()}:
        return True
    size = min(2 if weight(words[:2]) >= 2 else 4, len(words))
    spans = {there[at : at + size] for at in range(len(there) - size + 1)}
    return any(words[at : at + size] in spans for at in range(len(words) - size + 1))


def _split_sentences(text: str) -> list[str]:
    """Sentences; a citation after the full stop belongs to the one before it."""
    found: list[str] = []
    for part in map(str.strip, _SENTENCE.split(text)):
        lead = _CITATION.match(part)
        rest = part[lead.end() :].strip() if lead else part
        if found and lead:
            found[-1] += f" {lead[0]}"
        elif lead:
            rest = part
        if _comparable_words(rest):
            found.append(rest)
    return found


def _spans(texts: Sequence[tuple[str, ...]]) -> Mapping[int, set[tuple[str, ...]]]:
    return {
        size: {text[at : at + size] for text in texts for at in range(len(text) - size + 1)}
        for size in range(1, 7)
    }


def _span_size(words: tuple[str, ...]) -> int:
    """Words of a span: three, or six characters of a script without spaces; fewer if short."""
    size = 3 if weight(words) * 1.5 > len(words) else 6
    return max(1, min(size, len(words)))


@lru_cache(maxsize=2048)
def _comparable_words(text: str) -> tuple[str, ...]:
    return tokens(_THOUSANDS.sub("", visible(text)))


def list_numbers(text: str) -> tuple[str, ...]:
    """The numbers of a text in their order, thousands separators left out.

    >>> list_numbers("7 of 1,200 at 3.5")
    ('7', '1200', '3.5')
    """
    return tuple(_NUMBER.findall(_THOUSANDS.sub("", visible(text))))
