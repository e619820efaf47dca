"""Find phrases in the texts of one model that became common or rare with the change."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from prompt_lab.analyze.evidence import Group, GroupKey, RunEvidence
from prompt_lab.analyze.model import Phrase
from prompt_lab.analyze.texts import Text
from prompt_lab.analyze.words import Word, line, spelled, split_words, weight
from prompt_lab.names import Side

COMMON = 0.25
"""A phrase is reported if at least this share of one side's texts has it."""
ALONE = 0.5
"""The same if there is no other side to compare with."""
RARE = 0.2
"""A phrase is reported if its share on the other side is at most this part of its share here."""
MIN_COUNT = 4
MAX_PARTS = 8
MOST = 5
"""Phrases kept per group and side."""
_READ = 2000

Parts = tuple[str, ...]


class _Doc(NamedTuple):
    text: Text
    found: list[Word]
    parts: Parts
    line: str


def phrases(evidence: RunEvidence) -> tuple[Phrase, ...]:
    """Per model, plan and field the phrases that one side alone shares, most frequent first."""
    found: list[Phrase] = []
    for key, group in evidence.groups.items():
        found += _contrasts(evidence, key, group)
    return tuple(sorted(found, key=lambda phrase: (-_gap(phrase), -phrase.words, phrase.plan)))


def _contrasts(evidence: RunEvidence, key: GroupKey, group: Group) -> list[Phrase]:
    if max(map(len, group.values())) < MIN_COUNT:
        return []
    docs = {side: [_doc(text) for text in texts] for side, texts in group.items()}
    found: list[Phrase] = []
    for side, own in docs.items():
        other = [doc for another, many in docs.items() if another is not side for doc in many]
        least = max(MIN_COUNT, (COMMON if other else ALONE) * len(own))
        counts = _frequent([doc.parts for doc in own], least)
        counts = {p: n for p, n in counts.items() if _tells(p, n / len(own), alone=not other)}
        counts = {p: n for p, n in counts.items() if _rare(p, n / len(own), other)}
        counts = {p: n for p, n in counts.items() if not _from_plans(evidence, p, own)}
        best = sorted(_longest(counts).items(), key=lambda item: (-item[1], -len(item[0]), item[0]))
        found += [_phrase(key, parts, docs, own) for parts, _ in best[:MOST]]
    return found


def _frequent(docs: Sequence[Parts], least: float) -> dict[Parts, int]:
    """Phrases of at least two words in at least `least` texts, extended word by word."""
    kept: dict[Parts, int] = {}
    level: set[Parts] = set()
    for size in range(1, MAX_PARTS + 1):
        counts: Counter[Parts] = Counter()
        grows = _grows(level) if size > 1 else None
        for parts in docs:
            counts.update(_grams(parts, size, grows))
        level = {parts for parts, count in counts.items() if count >= least}
        kept.update({parts: counts[parts] for parts in level if weight(parts) >= 2})
        if not level:
            break
    return kept


def _grams(parts: Parts, size: int, wanted: Callable[[Parts], bool] | None) -> set[Parts]:
    grams = {parts[at : at + size] for at in range(len(parts) - size + 1)}
    return grams if wanted is None else {gram for gram in grams if wanted(gram)}


def _grows(level: set[Parts]) -> Callable[[Parts], bool]:
    return lambda gram: gram[:-1] in level and gram[1:] in level


def _tells(parts: Parts, share: float, *, alone: bool) -> bool:
    """Two words count only if most texts have them and there is another side to compare with."""
    return weight(parts) > 2 or (share >= ALONE and not alone)


def _rare(parts: Parts, share: float, other: Sequence[_Doc]) -> bool:
    seen = _having(parts, other)
    return not other or seen / len(other) <= RARE * share


def _from_plans(evidence: RunEvidence, parts: Parts, docs: Sequence[_Doc]) -> bool:
    phrase = line(parts)
    having = [doc.text.plan for doc in docs if phrase in doc.line]
    known = sum(phrase in evidence.input_lines.get(plan, "") for plan in having)
    return known * 2 > len(having)


def _having(parts: Parts, docs: Sequence[_Doc]) -> int:
    phrase = line(parts)
    return sum(phrase in doc.line for doc in docs)


def _longest(counts: dict[Parts, int]) -> dict[Parts, int]:
    """Leave out phrases that are part of a longer one of about the same frequency."""
    covered: dict[Parts, int] = defaultdict(int)
    for parts, count in counts.items():
        for inner in (parts[:-1], parts[1:]):
            covered[inner] = max(covered[inner], count)
    return {parts: count for parts, count in counts.items() if covered[parts] < 0.8 * count}


def _phrase(
    key: GroupKey, parts: Parts, docs: dict[Side, list[_Doc]], own: Sequence[_Doc]
) -> Phrase:
    having = {side: _having(parts, many) for side, many in docs.items()}
    first = next(doc for doc in own if line(parts) in doc.line)
    at = next(i for i in range(len(first.parts)) if first.parts[i : i + len(parts)] == parts)
    return Phrase(
        model=key.model,
        plan=key.plan,
        field=key.field,
        phrase=spelled(first.text.text, first.found, at, len(parts)),
        words=round(weight(parts)),
        baseline_count=having.get(Side.BASELINE, 0),
        baseline_total=len(docs.get(Side.BASELINE, ())),
        candidate_count=having.get(Side.CANDIDATE, 0),
        candidate_total=len(docs.get(Side.CANDIDATE, ())),
        path=first.text.path,
    )


def _doc(text: Text) -> _Doc:
    found = split_words(text.text[:_READ])
    parts = tuple(word.text for word in found)
    return _Doc(text, found, parts, line(parts))


def _gap(phrase: Phrase) -> float:
    return abs(phrase.share(Side.CANDIDATE) - phrase.share(Side.BASELINE))
