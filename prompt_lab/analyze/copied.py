"""Words of the prompt that appear in answers: repeated examples, recited instructions."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import Copied
from prompt_lab.analyze.texts import Text
from prompt_lab.analyze.words import Word, line, spelled, split_words, weight
from prompt_lab.names import Side

MIN_WORDS = 5
"""Copied words in a row, from this number on, are not a coincidence."""
MIN_VALUE = 3
"""A whole answer is called a copy only if it has at least this many characters."""
_READ = 4000

Parts = tuple[str, ...]
Key = tuple[Side, str, str]


def find_copied_text(evidence: RunEvidence) -> tuple[Copied, ...]:
    """Copied phrases and values by side, model and field; most frequent first.

    Words that the plan's own inputs or gold hold too are not from the prompt.
    """
    totals: dict[Key, int] = defaultdict(int)
    seen: dict[tuple[Key, Parts], list[tuple[Text, str, bool]]] = defaultdict(list)
    for text in evidence.texts:
        key = (text.side, text.model, text.field)
        totals[key] += 1
        for parts, spelling, value in _copies(evidence, text):
            seen[key, parts].append((text, spelling, value))
    found = [
        Copied(
            side=key[0],
            model=key[1],
            field=key[2],
            phrase=having[0][1],
            words=round(weight(parts)),
            count=len(having),
            total=totals[key],
            path=having[0][0].path,
            value=having[0][2],
        )
        for (key, parts), having in seen.items()
    ]
    return tuple(sorted(found, key=lambda copy: (-copy.count, -copy.words)))


def runs_in(found: Sequence[Word], source: str, least: float = MIN_WORDS) -> list[tuple[int, int]]:
    """(first word, number of words) of the longest sequences that occur in a `line` too."""
    stretches: list[tuple[int, int]] = []
    at, pairs = 0, _neighbours(source)
    while at < len(found):
        starts = tuple(word.text for word in found[at : at + 2]) in pairs
        size = _reach(found, at, source) if starts else 0
        if size and weight([word.text for word in found[at : at + size]]) >= least:
            stretches.append((at, size))
            at += size
        else:
            at += 1
    return stretches


@lru_cache(maxsize=8)
def _neighbours(source: str) -> frozenset[tuple[str, ...]]:
    return frozenset(pairwise(source.split()))


def _reach(found: Sequence[Word], at: int, source: str) -> int:
    size = 0
    while at + size < len(found) and line([w.text for w in found[at : at + size + 1]]) in source:
        size += 1
    return size


def _copies(evidence: RunEvidence, text: Text) -> list[tuple[Parts, str, bool]]:
    source = evidence.prompt_lines.get(text.side, "")
    if not source.strip():
        return []
    found = split_words(text.text[:_READ])
    own = evidence.input_lines.get(text.plan, "") + evidence.gold_lines.get(text.plan, "")
    parts = tuple(word.text for word in found)
    if _is_value(evidence, text, parts, source):
        return [(parts, " ".join(text.text.split()), True)]
    return [
        (parts[at : at + size], spelled(text.text, found, at, size), False)
        for at, size in runs_in(found, source)
        if _is_foreign(found[at : at + size], own)
    ]


def _is_foreign(found: Sequence[Word], own: str) -> bool:
    """Whether most of a sequence does not occur in the plan's own texts."""
    return 2 * sum(size for _, size in runs_in(found, own)) <= len(found)


def _is_value(evidence: RunEvidence, text: Text, parts: Parts, source: str) -> bool:
    """A short answer that only the prompt can have given: no gold of any plan has it."""
    short = 0 < weight(parts) <= MIN_WORDS * 2 and len(text.text) >= MIN_VALUE
    telling = weight(parts) >= 2 or any(char.isdigit() for char in text.text)
    if not (short and telling) or line(parts) not in source:
        return False
    inputs = evidence.input_lines.get(text.plan, "")
    return line(parts) not in inputs and line(parts) not in evidence.gold_values
