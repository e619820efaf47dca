"""An interval for an accuracy whose repeats of one plan are not independent."""

from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import betaincinv

CONFIDENCE = 0.95


class AccuracyInterval(NamedTuple):
    """Accuracy in [0, 1] with its two-sided interval, and the answers that it is worth."""

    accuracy: float
    low: float
    high: float
    effective: float
    """How many independent answers the repeats are worth: from one to all of them for a plan."""


def clustered_interval(
    plans: Sequence[Sequence[bool]], confidence: float = CONFIDENCE
) -> AccuracyInterval | None:
    """Clopper and Pearson's interval on the effective number of answers; None without any.

    Repeats of a plan count in full only as far as they differ: the intra-class correlation
    (analysis of variance, floored at 0) gives the design effect. Where all answers agree it cannot
    be estimated, and a plan then counts once (Korn and Graubard 1998).
    """
    sizes = [len(one) for one in plans if one]
    total = sum(sizes)
    if not total:
        return None
    passed = sum(sum(one) for one in plans)
    effect = design_effect([one for one in plans if one])
    size = max(total / effect, 1.0)
    wins = passed / total * size
    tail = (1 - confidence) / 2
    low = float(betaincinv(wins, size - wins + 1, tail)) if wins > 0 else 0.0
    high = float(betaincinv(wins + 1, size - wins, 1 - tail)) if wins < size else 1.0
    return AccuracyInterval(passed / total, low, high, size)


def design_effect(plans: Sequence[Sequence[bool]]) -> float:
    """By how much the repeats of one plan repeat each other: from 1 to their number."""
    total, count = sum(map(len, plans)), len(plans)
    mean_size = (total - sum(len(p) ** 2 for p in plans) / total) / max(count - 1, 1)
    largest = max(total / count, 1.0)
    if total == count or count < 2:
        return largest
    overall = sum(map(sum, plans)) / total
    between = sum(len(p) * (sum(p) / len(p) - overall) ** 2 for p in plans) / (count - 1)
    within = sum(sum(p) * (1 - sum(p) / len(p)) for p in plans) / (total - count)
    if between == 0 and within == 0:
        return largest
    correlation = (between - within) / (between + (mean_size - 1) * within)
    return 1 + (largest - 1) * min(max(correlation, 0.0), 1.0)
