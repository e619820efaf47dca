"""Confidence limits of a mean of plan values, and what a trial of their spread can see."""

from functools import lru_cache
from math import ceil, inf, log, sqrt
from typing import NamedTuple

import numpy as np

from prompt_lab.decide.normal import quantile, reached, t_reached
from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.power import FEW, power_of_look

EXACT_UP_TO = 15  # plans; 2**15 subset means are quick to list
MOST_PLANS = 10**300
"""No number of plans exceeds it, so that their calls, costs and times are still floats."""


class EffectLimits(NamedTuple):
    """One-sided limits at the same level: together an interval of confidence 1 - 2 level."""

    low: float
    high: float


def limits(values: Floats, level: float) -> EffectLimits:
    """Limits of the mean, each at `level`; -1 and 1 where the plans are too few to tell.

    Few plans: the sign-flip test turned round (Hartigan's typical values: each value of the mean
    that the test would not reject). More: Student's t on the plan values.
    """
    if not len(values):
        return EffectLimits(-1.0, 1.0)
    if not values.any():  # what was never seen may still happen once in n
        half = min(1.0, -log(level) / len(values))
        return EffectLimits(-half, half)
    if len(values) <= EXACT_UP_TO:
        return _inverted(values, level)
    mean, half = float(values.mean()), t_reached(level, len(values) - 1) * error(values)
    return EffectLimits(max(-1.0, mean - half), min(1.0, mean + half))


def error(values: Floats) -> float:
    """The standard error of the mean; 0 for fewer than two plans."""
    return deviation(values) / sqrt(len(values)) if len(values) > 1 else 0.0


def deviation(values: Floats) -> float:
    """The sample standard deviation; exactly 0 for equal values and for fewer than two."""
    found = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return found if found > 1e-9 else 0.0  # below it is the rounding of equal values


def visible(values: Floats, level: float, power: float) -> float:
    """The smallest true gain that plans of this spread show with this power, at most 1."""
    if not deviation(values):
        return min(1.0, -log(level) / max(len(values), 1))
    return min(1.0, drift_shown(len(values), level, power) * deviation(values))


@lru_cache(maxsize=1024)
def drift_shown(plans: int, level: float, power: float) -> float:
    """The smallest gain, in deviations of the plan values, that one look at so many plans shows.

    Infinite where so few plans cannot show any.
    """
    normal = (reached(level) + quantile(power)) / sqrt(max(plans, 1))
    if plans > FEW:
        return normal
    if plans < fewest_plans(level):
        return inf
    low, high = 0.0, 8 * normal
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if power_of_look(plans, middle, level) < power else (low, middle)
    return high


def plans_needed(spread: float, gain: float, level: float, power: float) -> int:
    """How many plans one look needs, for plan values of standard deviation `spread`.

    At most MOST_PLANS, for a gain of 0 too.

    >>> plans_needed(0.5, 0.03, 0.05, 0.8)
    1718
    """
    reach = (reached(level) + quantile(power)) * spread / gain if gain else inf
    plans = max(fewest_plans(level), ceil(reach**2) if reach < sqrt(MOST_PLANS) else MOST_PLANS)
    while spread > 0 and plans <= FEW and power_of_look(plans, gain / spread, level) < power:
        plans += 1
    return plans


def fewest_plans(level: float) -> int:
    """The fewest plans with which the sign-flip test can show anything at this level.

    >>> fewest_plans(0.05)
    5
    """
    return ceil(-log(level) / log(2) - 1e-9)


def _inverted(values: Floats, level: float) -> EffectLimits:
    sums, counts = np.zeros(1), np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
        counts = np.concatenate([counts, counts + 1])
    means = np.sort(sums[1:] / counts[1:])
    rank = int(level * len(sums) + 1e-9)
    if rank < 1:
        return EffectLimits(-1.0, 1.0)
    return EffectLimits(float(means[rank - 1]), float(means[-rank]))
