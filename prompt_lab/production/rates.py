"""Rates over sessions, compared with a limit or with each other: exact tests and intervals.

Calls of one session are not independent, so sessions are counted and not calls. All p values are
one-sided. scipy.special is enough; scipy.stats takes seconds to import.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, gammaln, stdtr, stdtrit

from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.decide.evidence import Validity
from prompt_lab.decide.guard_sides import newcombe

CONFIDENCE = 0.95


def share_interval(hits: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a share; (0, 1) where nothing was counted.

    >>> [round(limit, 3) for limit in share_interval(0, 60)]
    [0.0, 0.06]
    """
    return clopper_pearson(hits, total, confidence) if total else (0.0, 1.0)


def exceeds_rate(hits: int, total: int, expected: float) -> float:
    """P(so many hits, or more) among `total` sessions of which at most `expected` should be hits.

    Chances may differ between sessions as long as they sum to at most `expected`: above the mean
    the binomial with the average chance has the heaviest tail (Hoeffding 1956, theorem 5). Below
    it the p value is 1. A session with c calls that may each fail with chance p is a hit with a
    chance of at most c p, however its failures depend on each other.

    >>> round(exceeds_rate(2, 12, 12 * 0.001), 6)
    6.6e-05
    """
    if not total or hits < expected + 1:
        return 1.0
    return float(bdtrc(hits - 1, total, min(expected / total, 1.0)))


def exceeds_other(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Fisher's exact test that the first rate is higher; each is (hits, total).

    >>> round(exceeds_other((7, 7), (5, 7)), 3)
    0.231
    """
    (hits, total), (other_hits, other_total) = first, second
    most = min(total, hits + other_hits)
    if not hits or not other_total:
        return 1.0
    ks = np.arange(hits, most + 1)
    marked, everything = hits + other_hits, total + other_total
    logs = (
        _log_choose(total, ks)
        + _log_choose(other_total, marked - ks)
        - _log_choose(everything, np.array(marked))
    )
    return float(min(np.exp(logs).sum(), 1.0))


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        found = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.where((k < 0) | (k > n), -np.inf, found)


def count_rejected(p_values: Sequence[float], level: float) -> int:
    """How many of the smallest p values Holm's step-down procedure (1979) rejects at `level`.

    >>> count_rejected([0.6, 0.001, 0.02], 0.05)
    2
    """
    ordered = sorted(p_values)
    fits = [p_value <= level / (len(ordered) - at) for at, p_value in enumerate(ordered)]
    return [*fits, False].index(False)


def difference_interval(
    first: tuple[int, int], second: tuple[int, int], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Two-sided limits of the first rate minus the second (Newcombe 1998, method 10)."""
    seen = Validity(
        baseline_valid=second[0],
        baseline_total=second[1],
        candidate_valid=first[0],
        candidate_total=first[1],
    )
    return newcombe(seen, (1 - confidence) / 2)


def is_no_worse(first: tuple[int, int], second: tuple[int, int], margin: float) -> float:
    """P value against "the first rate is at least `margin` above the second".

    The smallest level at which the upper limit of `difference_interval` lies below the margin.
    """
    if not first[1] or not second[1] or first[0] / first[1] - second[0] / second[1] >= margin:
        return 1.0
    low, high = 1e-12, 0.5
    for _ in range(60):
        level = float(np.sqrt(low * high))
        upper = difference_interval(first, second, 1 - 2 * level)[1]
        low, high = (low, level) if upper < margin else (level, high)
    return high


class Moments(NamedTuple):
    """Size, mean and sum of squared deviations of numbers, one at a time (Welford 1962)."""

    size: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> "Moments":
        """With one more number."""
        size, shift = self.size + 1, value - self.mean
        mean = self.mean + shift / size
        return Moments(size, mean, self.squares + shift * (value - mean))

    @property
    def error(self) -> float:
        """The squared standard error of the mean; infinite for fewer than two numbers."""
        if self.size < 2:
            return float("inf")
        return self.squares / (self.size - 1) / self.size


def exceeds_mean(first: Moments, second: Moments, margin: float = 0.0) -> float:
    """Welch's t test that the first mean is more than `margin` above the second."""
    freedom = _welch(first, second)
    if freedom is None:
        return 1.0
    error = np.sqrt(first.error + second.error)
    return float(stdtr(freedom, -(first.mean - second.mean - margin) / error))


def means_interval(
    first: Moments, second: Moments, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Welch's interval of the first mean minus the second; None for too few numbers."""
    freedom = _welch(first, second)
    if freedom is None:
        return None
    half = float(stdtrit(freedom, 1 - (1 - confidence) / 2)) * np.sqrt(first.error + second.error)
    middle = first.mean - second.mean
    return float(middle - half), float(middle + half)


def _welch(first: Moments, second: Moments) -> float | None:
    """Satterthwaite's degrees of freedom; None where a spread is unknown or there is none."""
    if first.size < 2 or second.size < 2 or not first.squares + second.squares:
        return None
    parts = first.error**2 / (first.size - 1) + second.error**2 / (second.size - 1)
    return (first.error + second.error) ** 2 / parts
