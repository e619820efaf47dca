"""Texts that nearly repeat another one of the same run, or another plan's."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import Duplicates, Metrics, SharedWords
from prompt_lab.analyze.texts import Text
from prompt_lab.analyze.words import tokens, weight
from prompt_lab.names import Side

NEAR = 90.0
"""A text repeats another one if at least this percentage of its characters is similar."""
MIN_WORDS = 6
MOST_TEXTS = 400
_READ = 1000

Closest = tuple[int, float, int, int]
Allowed = Callable[[Text, Text], bool]


def duplicates(evidence: RunEvidence) -> tuple[Duplicates, ...]:
    """Near-duplicates inside one run's lists (plan given) and between plans (plan '')."""
    within: dict[tuple[Side, str, str, str], list[Text]] = defaultdict(list)
    across: dict[tuple[Side, str, str, str], list[Text]] = defaultdict(list)
    for text in evidence.texts:
        if weight(tokens(text.text)) >= MIN_WORDS:
            within[text.side, text.model, text.plan, text.field].append(text)
            across[text.side, text.model, "", text.field].append(text)
    found = [_group(key, texts, _same_run) for key, texts in within.items()]
    found += [_group(key, texts, _other_plan) for key, texts in across.items()]
    kept = [group for group in found if group is not None]
    return tuple(sorted(kept, key=lambda group: -group.count / group.total))


def _group(
    key: tuple[Side, str, str, str], texts: Sequence[Text], allowed: Allowed
) -> Duplicates | None:
    some = texts[:MOST_TEXTS]
    count, similarity, first, second = _closest(some, allowed)
    if not count:
        return None
    side, model, plan, field = key
    return Duplicates(
        side=side,
        model=model,
        plan=plan,
        field=field,
        count=count,
        total=len(some),
        similarity=similarity / 100,
        first=some[first].text,
        second=some[second].text,
        path=some[second].path,
    )


def _closest(texts: Sequence[Text], allowed: Allowed) -> Closest:
    """(texts that repeat an earlier one, the highest similarity, and where that pair stands)."""
    heads = [text.text[:_READ] for text in texts]
    near = process.cdist(heads, heads, scorer=fuzz.ratio, score_cutoff=NEAR, dtype=np.float32)
    repeats: set[int] = set()
    best: tuple[float, int, int] = (0.0, 0, 0)
    for earlier, later in np.argwhere(np.triu(near, k=1) >= NEAR).tolist():
        if not allowed(texts[earlier], texts[later]):
            continue
        repeats.add(later)
        best = max(best, (float(near[earlier, later]), -earlier, -later))
    return len(repeats), best[0], -best[1], -best[2]


def _same_run(first: Text, second: Text) -> bool:
    return first.path == second.path


def _other_plan(first: Text, second: Text) -> bool:
    return first.plan != second.plan


class Fold(NamedTuple):
    """The widest count, and the same words on single plans, the largest change first."""

    head: SharedWords
    plans: tuple[SharedWords, ...]


class Move(NamedTuple):
    """A lock that went and the one that came in its place: same model, plan and field."""

    gone: SharedWords
    new: SharedWords


def folded(found: Iterable[SharedWords]) -> tuple[Fold, ...]:
    """The largest changes first. Where no count over all plans stands out, a plan's leads."""
    groups: dict[tuple[str, str, str], list[SharedWords]] = defaultdict(list)
    for one in found:
        groups[one.model, one.field, one.phrase.casefold()].append(one)
    folds = []
    for group in groups.values():
        head, *rest = sorted(group, key=lambda one: (one.plan != "", -abs(gap(one))))
        folds.append(Fold(head, tuple(rest)))
    return tuple(
        sorted(folds, key=lambda fold: -max(abs(gap(one)) for one in (fold.head, *fold.plans)))
    )


def inner(metrics: Metrics) -> tuple[SharedWords, ...]:
    """The phrases that are not an opener already."""
    known = {(one.model, one.field, one.phrase.casefold()) for one in metrics.openers}
    return tuple(
        one for one in metrics.phrases if (one.model, one.field, one.phrase.casefold()) not in known
    )


def moves(found: Sequence[SharedWords], least: float = 0.3) -> tuple[Move, ...]:
    """Openers that lost at least `least` of their share while another one gained as much."""
    places: dict[tuple[str, str, str], list[SharedWords]] = defaultdict(list)
    for one in found:
        places[one.model, one.plan, one.field].append(one)
    moved = []
    for group in places.values():
        gone = min(group, key=lambda one: (gap(one), one.words))
        new = max(group, key=lambda one: (gap(one), -one.words))
        if gap(gone) <= -least and gap(new) >= least:
            moved.append(Move(gone, new))
    return tuple(sorted(moved, key=lambda move: gap(move.gone) - gap(move.new)))


def gap(one: SharedWords) -> float:
    """Candidate's share minus baseline's."""
    return one.share(Side.CANDIDATE) - one.share(Side.BASELINE)


def counts(one: SharedWords) -> str:
    """'15 of 15 → 0 of 16', or the count alone where there is one side."""
    before, after = one.format_count(Side.BASELINE), one.format_count(Side.CANDIDATE)
    if not one.baseline_total:
        return after
    return f"{before} → {after}" if one.candidate_total else before
