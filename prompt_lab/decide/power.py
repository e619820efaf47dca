"""The power of one look at few plans, where normal theory promises what no sign-flip can show."""

from functools import lru_cache
from itertools import product

import numpy as np
from scipy.special import nctdtr, ndtr, stdtrit

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
