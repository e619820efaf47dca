"""Find template locks: texts of one model and field that begin with the same words."""

from collections import Counter
from typing import NamedTuple

from prompt_lab.analyze.evidence import Group, GroupKey, RunEvidence
from prompt_lab.analyze.model import OpeningPhrase
from prompt_lab.analyze.texts import Text
from prompt_lab.analyze.words import HALF, Word, spelled, split_words, tokens, weight
from prompt_lab.names import Side

LOCK = 0.5
"""A beginning that at least this share of a side's texts has in common is a template lock."""
MIN_COUNT = 5
MIN_WORDS, MAX_WORDS = 2, 5
KEPT = 0.9
"""A longer opening phrase replaces a shorter one if it covers at least this share of its texts."""

_READ = 200
"""Only this many characters at the beginning of a text are examined."""


class _Head(NamedTuple):
    text: Text
    parts: tuple[str, ...]
    found: list[Word]


def openers(evidence: RunEvidence) -> tuple[OpeningPhrase, ...]:
    """Locks on either side with the counts of both; the widest first, plan by plan and in all."""
    found = [
        lock for key, group in evidence.groups.items() for lock in _locks(evidence, key, group)
    ]
    return tuple(sorted(found, key=lambda lock: (-_change(lock), lock.plan, lock.field)))


def _locks(evidence: RunEvidence, key: GroupKey, group: Group) -> list[OpeningPhrase]:
    if max(map(len, group.values())) < MIN_COUNT:
        return []
    heads = {side: [_head(text) for text in texts] for side, texts in group.items()}
    gold = [tokens(text[:_READ]) for text in evidence.gold_texts(key)]
    found: dict[tuple[str, ...], OpeningPhrase] = {}
    for own in heads.values():
        for parts in _common(own):
            known = sum(_begins(whole, parts) for whole in gold)
            if parts not in found and not (gold and known / len(gold) >= LOCK):
                found[parts] = _opener(key, parts, heads)
    return list(found.values())


def _common(heads: list[_Head]) -> list[tuple[str, ...]]:
    """The beginnings that lock, each as long as it can be without losing texts."""
    least = max(MIN_COUNT, LOCK * len(heads))
    kept: dict[tuple[str, ...], int] = {}
    for size in range(1, int(MAX_WORDS / HALF) + 1):
        counts = Counter(head.parts[:size] for head in heads if len(head.parts) > size + 1)
        for parts, count in counts.items():
            if count < least or not MIN_WORDS <= weight(parts) <= MAX_WORDS:
                continue
            if parts[:-1] in kept and count >= KEPT * kept[parts[:-1]]:
                del kept[parts[:-1]]
            kept[parts] = count
    return list(kept)


def _opener(key: GroupKey, parts: tuple[str, ...], heads: dict[Side, list[_Head]]) -> OpeningPhrase:
    having = {
        side: [head for head in own if _begins(head.parts, parts)] for side, own in heads.items()
    }
    first = max(having.values(), key=len)[0]
    return OpeningPhrase(
        model=key.model,
        plan=key.plan,
        field=key.field,
        phrase=spelled(first.text.text, first.found, 0, len(parts)),
        words=round(weight(parts)),
        baseline_count=len(having.get(Side.BASELINE, ())),
        baseline_total=len(heads.get(Side.BASELINE, ())),
        candidate_count=len(having.get(Side.CANDIDATE, ())),
        candidate_total=len(heads.get(Side.CANDIDATE, ())),
        path=first.text.path,
    )


def _head(text: Text) -> _Head:
    found = split_words(text.text[:_READ])
    parts = tuple(word.text for word in found)
    return _Head(text, parts if _is_prose(text.text, parts) else (), found)


def _is_prose(text: str, parts: tuple[str, ...]) -> bool:
    """False for a single identifier: 'acme/small-2' begins like similar ones by design."""
    return any(char.isspace() for char in text) or weight(parts) < len(parts)


def _begins(whole: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return whole[: len(parts)] == parts


def _change(lock: OpeningPhrase) -> float:
    base, cand = lock.share(Side.BASELINE), lock.share(Side.CANDIDATE)
    return abs(cand - base) + max(base, cand) / 10
