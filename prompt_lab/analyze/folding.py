"""Shared words folded for a reader: one line per model, field and phrase, its plans inside."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prompt_lab.analyze.model import Metrics, SharedWords
from prompt_lab.names import Side


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
