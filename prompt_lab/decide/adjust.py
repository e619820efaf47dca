"""Less noise: take out of each plan's value what older runs already knew about the plan.

The slope of the values on the plans' known difficulty (CUPED; Deng et al. 2013) is learned from
the plans of earlier looks only and applied to those of the next one, so that no look changes
what an earlier one saw. History is from before the trial and cannot know its outcome.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from prompt_lab.decide.pairs import Floats

LEARN_FROM = 20  # plans; a slope from fewer adds more noise than it takes


def centered_difficulty(plans: Sequence[str], difficulty: dict[str, float] | None) -> Floats | None:
    """Difficulty per plan about its mean; 0 for a plan without history, None without any."""
    if not difficulty:
        return None
    raw = np.array([difficulty.get(plan, np.nan) for plan in plans], dtype=float)
    there = np.isfinite(raw)
    if there.sum() < 2:
        return None
    return np.where(there, raw - raw[there].mean(), 0.0)


def adjusted(values: Floats, centred: Floats | None, counts: Sequence[int]) -> Floats:
    """Values with the known difficulty taken out, stage by stage of the looks at `counts`.

    A single look has no earlier one to learn from and takes the slope of its own values.
    """
    if centred is None:
        return values
    if len(counts) < 2:
        return np.asarray(values - _slope(values, centred) * centred)
    result = values.copy()
    for first, last in pairwise(counts):
        result[first:last] -= _slope(values[:first], centred[:first]) * centred[first:last]
    return result


def _slope(values: Floats, centred: Floats) -> float:
    there = np.isfinite(values)
    x, y = centred[there], values[there]
    if len(y) < LEARN_FROM or x.var() < 1e-12:
        return 0.0
    return float(np.cov(x, y)[0, 1] / x.var(ddof=1))
