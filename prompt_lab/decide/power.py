"""The power of one look at few plans, where normal theory promises what no sign-flip can show."""

from functools import lru_cache
from itertools import product

import numpy as np
from scipy.special import betainc, gammaln, nctdtr, ndtr, stdtrit, xlogy

from prompt_lab.decide.pairs import Floats

LISTED_UP_TO = 12  # plans; 2**12 sign patterns a draw are quick to list
DRAWS = 400
FEW = 60  # plans; beyond, Student's t and the normal differ by less than a plan in a hundred


def power_of_look(plans: int, drift: float, level: float) -> float:
    """The chance that one look at `plans` normal values shows a gain of `drift` deviations.

    Up to 12 plans the sign-flip test itself, integrated over fixed draws (its standard error is
    at most 0.025); from there Student's t, which it approaches (noncentral t, Johnson & Kotz).

    >>> power_of_look(8, 1.2, 0.005) < 0.5 < power_of_look(8, 2.5, 0.005)
    True
    >>> power_of_look(5, 9.0, 0.005)
    0.0
    """
    if plans > LISTED_UP_TO:
        bound, centre = -stdtrit(plans - 1, level), drift * np.sqrt(plans)
        missed = nctdtr(plans - 1, centre, bound)
        # Not a number where the noncentrality is beyond about 38: there the normal is as good.
        return float(ndtr(centre - bound) if np.isnan(missed) else 1 - missed)
    sums, noise = _nodes(plans)
    flipped = noise + drift * sums  # draws x patterns; the last: no flip
    reached = (flipped >= flipped[:, -1:] - 1e-9).mean(axis=1)
    return float((reached <= level).mean())


@lru_cache(maxsize=LISTED_UP_TO)
def _nodes(plans: int) -> tuple[Floats, Floats]:
    """The sum of each sign pattern, and each draw flipped by it: shape (DRAWS, 2**plans).

    The draws are fixed, so that one question has one answer.
    """
    signs = np.array(list(product((-1.0, 1.0), repeat=plans)))
    draws = np.random.default_rng(plans).standard_normal((DRAWS, plans))
    return signs.sum(axis=1), draws @ signs.T


HALF = 0.5
"""Share of the plans that move, where it is not known."""


def power_of_signs(plans: int, drift: float, level: float) -> float:
    """The chance that one exact look at `plans` 0/1 scores shows a gain of `drift` deviations.

    Each plan's difference is -1, 0 or 1, and half of the plans move, or as many as such a gain
    takes: few of them have few possible sums, so that the exact level is often far below the
    level asked for. Graded scores have more power.

    >>> power_of_signs(20, 0.84, 0.005) < 0.65 < power_of_signs(28, 0.84, 0.005)
    True
    """
    moving = max(HALF, drift**2 / (1 + drift**2))
    mean = drift * np.sqrt(moving / (1 + drift**2))
    won = min(1.0, (moving + mean) / (2 * moving))
    moved, least = np.arange(plans + 1.0), _fewest_wins(plans, level)
    shown = np.where(least <= moved, _at_least(least, moved, won), 0.0)
    weights = np.exp(_log_binomial(plans, moving))
    return float((weights * shown).sum())


@lru_cache(maxsize=256)
def _fewest_wins(plans: int, level: float) -> Floats:
    """Of 0 to `plans` moving plans, the fewest wins whose exact p-value is within the level."""
    moved = np.arange(plans + 1.0)
    least = np.ceil(moved / 2)
    while True:  # from the middle on; a handful of vector steps
        above = (_at_least(least, moved, 0.5) > level * (1 + 1e-9)) & (least <= moved)
        if not above.any():
            return np.asarray(least)
        least = least + above


def _at_least(wins: Floats, moved: Floats, chance: float) -> Floats:
    """P(wins or more of so many moving plans)."""
    tail = betainc(np.maximum(wins, 1), np.maximum(moved - wins, 0) + 1, chance)
    return np.where(wins <= 0, 1.0, np.where(wins > moved, 0.0, tail))


def _log_binomial(plans: int, share: float) -> Floats:
    k = np.arange(plans + 1)
    ways = gammaln(plans + 1) - gammaln(k + 1) - gammaln(plans - k + 1)
    return np.asarray(ways + xlogy(k, share) + xlogy(plans - k, 1 - share))
