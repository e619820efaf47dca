"""Anytime-valid evidence: a bet that pays only if the mean is above the line.

Each plan value v in [-1, 1] multiplies a stake by 1 + f v, which cannot gain in the mean where
the true mean is at most 0. Averaged over fixed fractions f, the stake is an e-value whatever the
order and whenever one looks (Ville's inequality; Waudby-Smith and Ramdas 2024). It asks for no
symmetry, and pays for that with more plans.
"""

from math import log

import numpy as np
from scipy.special import logsumexp

from prompt_lab.decide.limits import EffectLimits
from prompt_lab.decide.pairs import Floats

FRACTIONS = np.geomspace(0.02, 0.95, 16)


def log_e_value(values: Floats, line: float = 0.0) -> float:
    """Log of the e-value against 'the mean of these values is at most `line`'."""
    gains = (values - line) / (1.0 + line) if line > 0 else (values - line)
    # Below 0 the largest loss is 1 + line, above it 1 - line: the stake can never turn negative.
    bets = np.log1p(np.outer(FRACTIONS, gains)).sum(axis=1)
    return float(logsumexp(bets) - log(len(FRACTIONS)))


def log_e_path(values: Floats, line: float = 0.0) -> Floats:
    """`log_e_value` after each of the values, in their order: shape (values,)."""
    gains = (values - line) / (1.0 + line) if line > 0 else (values - line)
    bets = np.log1p(np.outer(FRACTIONS, gains)).cumsum(axis=1)
    return np.asarray(logsumexp(bets, axis=0) - log(len(FRACTIONS)))


def confidence(values: Floats, level: float) -> EffectLimits:
    """Limits of the mean, each valid at `level` at all looks together."""
    return EffectLimits(_lower(values, level), -_lower(-values, level))


def fewest_plans(level: float) -> int:
    """The fewest plans whose e-value can reach 1 / level: every one of them won by 1."""
    count = 1
    while log_e_value(np.ones(count)) < -log(level):
        count += 1
    return count


def _lower(values: Floats, level: float) -> float:
    """The highest line that the values are shown to lie above, by halving."""
    low, high = -1.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        if log_e_value(values, middle) >= -log(level):
            low = middle
        else:
            high = middle
    return low
