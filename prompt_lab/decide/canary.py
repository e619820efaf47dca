"""The sequential check of a candidate on live traffic, against a control arm of equal size.

The k-th unit of either arm form a pair. At planned numbers of pairs, whatever the clock says, the
mean difference is compared with a group-sequential boundary (Lan and DeMets 1983, spending of
Hwang, Shih and DeCani 1990 with gamma = -2): the chance that a candidate that is not worse is ever
aborted is at most alpha, however often one asks. The check can only abort. It never promotes by
itself, and units that have no result yet are no evidence.

After an offline trial the spending goes on where the trial left it (Lan and DeMets 1983; a later
stage with what an earlier one left of the error: Mueller and Schaefer 2001): plans and pairs are
one information time, and what was spent by then is not spent again. The walk begins at 0: only
candidates with a YES get here, so the trial's gain is selected and cannot speak against a loss.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import log, sqrt
from typing import Final, Literal, NamedTuple

import numpy as np

from prompt_lab.decide.anytime import log_e_path
from prompt_lab.decide.boundaries import boundaries, spend_by_gamma

GAMMA: Final = -2.0
LOOKS: Final = 20
CanaryState = Literal["abort", "holds", "open"]


class CanaryCheck(NamedTuple):
    """What the results so far show. `pairs` is the number that was looked at.

    `state`: abort: shown to lose more than the margin; holds: shown to gain, or all planned pairs
    are in without an abort; open: neither. `effect` is candidate minus control, None without a
    pair. `z` is its standardised value at the last look.
    """

    state: CanaryState
    pairs: int
    looks: int
    effect: float | None
    z: float


class OfflineTrial(NamedTuple):
    """The trial before a canary: plans that decided it, and the alpha that it was granted."""

    plans: int = 0
    alpha: float = 0.0


NO_TRIAL: Final = OfflineTrial()


class CanaryDesign(NamedTuple):
    """Looks after so many pairs, cumulative alpha of the canary, and the boundary of z, at each."""

    counts: tuple[int, ...]
    levels: tuple[float, ...]
    bounds: tuple[float, ...]


def spent_before(most_pairs: int, alpha: float, offline: OfflineTrial) -> float:
    """Alpha that is spent before the first pair: the trial's share, or its own level if higher.

    At most half of alpha, so that a canary can always abort.

    >>> round(spent_before(2000, 0.07, OfflineTrial(300, 0.002)), 4)
    0.0033
    """
    time = offline.plans / (offline.plans + most_pairs)
    return min(max(spend_by_gamma(time, alpha, GAMMA), offline.alpha), alpha / 2)


@lru_cache(maxsize=64)
def design_canary(
    most_pairs: int, least_pairs: int, alpha: float, offline: OfflineTrial = NO_TRIAL
) -> CanaryDesign:
    """The looks of a canary: none before the least number of pairs, the last one at the most."""
    wanted = {max(least_pairs, round(most_pairs * k / LOOKS)) for k in range(1, LOOKS + 1)}
    counts = tuple(sorted(n for n in wanted if n <= most_pairs)) or (most_pairs,)
    times = tuple(n / most_pairs for n in counts)
    before, planned = spent_before(most_pairs, alpha, offline), offline.plans + most_pairs
    spent = (spend_by_gamma((offline.plans + n) / planned, alpha, GAMMA) for n in counts)
    levels = tuple(max(0.0, level - before) for level in spent)
    return CanaryDesign(counts, levels, boundaries(times, levels))


def check_canary(
    control: Sequence[float],
    candidate: Sequence[float],
    *,
    alpha: float,
    most_pairs: int,
    least_pairs: int = 1,
    margin: float = 0.0,
    offline: OfflineTrial = NO_TRIAL,
) -> CanaryCheck:
    """The state after these results in [0, 1], one of each unit, in the order of their arrival.

    Both arms are cut to the shorter one. `margin` is the loss that is accepted, `offline` the trial
    whose spending goes on.
    """
    pairs = min(len(control), len(candidate), most_pairs)
    values = np.asarray(candidate[:pairs], dtype=float) - np.asarray(control[:pairs], dtype=float)
    plan = design_canary(most_pairs, min(least_pairs, most_pairs), alpha, offline)
    state: CanaryState = "open"
    z, looks, looked = 0.0, 0, 0
    for count, bound in zip(plan.counts, plan.bounds, strict=True):
        if count > pairs or state == "abort":
            break
        looks, looked = looks + 1, count
        z = _standardise(values[:count] + margin)
        if z <= -bound:
            state = "abort"
    gains = float(log_e_path(values)[-1]) if pairs else 0.0
    if state == "open" and (looked == most_pairs or (looks and gains >= -log(alpha))):
        state = "holds"
    return CanaryCheck(
        state=state,
        pairs=looked,
        looks=looks,
        effect=float(values[: looked or pairs].mean()) if pairs else None,
        z=z,
    )


def _standardise(values: np.ndarray) -> float:
    """Mean over its standard error; a constant series counts by its sign alone."""
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    mean = float(values.mean())
    if deviation == 0.0:
        return 0.0 if mean == 0.0 else float(np.copysign(np.inf, mean))
    return mean / deviation * sqrt(len(values))
