"""Rule 3's second test: a t-test of difference + margin, and the guard against losses unseen.

A sign-flip test of difference + margin would be invalid: it takes each tie for a win by the margin.
"""

from math import inf, log, sqrt
from typing import NamedTuple

import numpy as np

from prompt_lab.decide.limits import deviation, fewest_plans
from prompt_lab.decide.normal import above, t_above, t_reached
from prompt_lab.decide.pairs import Floats, ScoreTable
from prompt_lab.decide.policy import Policy


class MarginStep(NamedTuple):
    """One look: its nominal one-sided p-values, and which boundary was crossed."""

    p_better: float
    p_worse: float
    better: bool
    worse: bool


def margin_step(seen: Floats, bound: float, policy: Policy) -> MarginStep:
    """One look at these plan values. `bound` is the look's normal boundary.

    'Better': a loss of the margin is excluded, and the mean is at least policy.least_estimate.
    'Worse': a loss of more than the margin is shown. The boundary's level is kept by Student's t.
    """
    count = len(seen)
    if count < 2:
        return MarginStep(1.0, 1.0, False, False)
    excess = float(seen.mean()) + policy.harm_margin
    score = t_score(excess, deviation(seen), count)
    reach = t_reached(above(bound), count - 1)
    enough = count >= fewest_plans(policy.alpha) and seen.mean() >= policy.least_estimate - 1e-12
    return MarginStep(
        p_better=t_above(score, count - 1),
        p_worse=t_above(-score, count - 1),
        better=score >= reach and enough,
        worse=-score >= reach,
    )


def t_score(excess: float, spread: float, count: int) -> float:
    """Student's t of a mean that exceeds the null by `excess`; infinite without any spread."""
    if spread:
        return excess * sqrt(count) / spread
    return 0.0 if excess == 0 else inf if excess > 0 else -inf


def losses_of(table: ScoreTable, policy: Policy) -> Floats | None:
    """What each plan could lose, for the guard; None where the test needs none.

    A sign-flip test of differences of -1, 0 and 1 needs no symmetry: their mean is 0 exactly where
    1 is as likely as -1.
    """
    if policy.test == "sign_flip" and table.has_signs_only:
        return None
    return table.could_lose


def unseen_loss(losses: Floats | None, policy: Policy) -> float:
    """What the mean gain must exceed: how much plans like none of those seen could lose.

    A kind of plan with a share of ln(1 / alpha) / n is missed by n plans with probability alpha,
    and each of them can lose what the baseline scores: `losses`, per plan seen. 0 with None, where
    a sign-flip test needs no such guard, and before rule 3.
    """
    if losses is None or not policy.unseen_loss_guard or not policy.seals:
        return 0.0
    there = losses[np.isfinite(losses)]
    if not len(there):
        return 0.0
    return min(1.0, -log(policy.alpha) / len(there)) * float(there.mean())


def exceeds_unseen(seen: Floats, losses: Floats | None, bound: float, policy: Policy) -> bool:
    """Whether a crossing at these plan values counts: no rare loss can explain it.

    The mean, plus the margin, must exceed the unseen loss; and where the plans seen lean to large
    losses, a t-test that is corrected for their skewness must reach the look's normal boundary too.
    """
    if losses is None or not policy.unseen_loss_guard or not policy.seals:
        return True
    mean = float(seen.mean()) + policy.harm_margin
    if not mean > unseen_loss(losses, policy):
        return False
    spread = deviation(seen)
    return spread == 0 or skew_corrected(seen, policy.harm_margin) >= bound


def skew_corrected(seen: Floats, margin: float = 0.0) -> float:
    """Student's t of mean + margin, corrected for a tail of losses; larger tails of gains are not.

    Source: Johnson 1978, a modified t-test for asymmetrical populations.
    """
    count, spread = len(seen), deviation(seen)
    mean = float(seen.mean()) + margin
    third = min(0.0, float(((seen - seen.mean()) ** 3).mean()))
    moved = mean + third / (6 * spread**2 * count) + third * mean**2 / (3 * spread**4)
    return moved * sqrt(count) / spread
