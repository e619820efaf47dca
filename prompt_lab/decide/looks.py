"""The sequential core on arrays: plan values in trial order in, where and why it stopped out.

A trial and the calibration both run through these functions.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from math import sqrt
from typing import Literal, NamedTuple

import numpy as np

from prompt_lab.decide import signflip
from prompt_lab.decide.boundaries import alpha_spent, boundaries
from prompt_lab.decide.limits import deviation
from prompt_lab.decide.margin import MarginStep, exceeds_unseen, margin_step
from prompt_lab.decide.normal import above, quantile, reached
from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.policy import Policy

Why = Literal["better", "worse", "futile", "unseen_loss", "end", "open"]

FIRST_LOOK = 6  # plans; a look at fewer can neither show nor exclude anything


class Design(NamedTuple):
    """Looks after `counts` plans; cumulative alpha, and the normal boundary, at each."""

    counts: tuple[int, ...]
    levels: tuple[float, ...]
    bounds: tuple[float, ...]

    @property
    def plans(self) -> int:
        """The most plans that the trial may take."""
        return self.counts[-1]


class LookStop(NamedTuple):
    """Where the looks ended, or stand ('open'). p-values are by stages of the looks so far."""

    why: Why
    look: int
    plans: int
    p_better: float
    p_worse: float


@lru_cache(maxsize=256)
def design(plans: int, policy: Policy) -> Design:
    """The looks planned over this many plans."""
    count = 1 if policy.mode == "fixed" else policy.looks
    wanted = sorted({max(1, round(plans * k / count)) for k in range(1, count + 1)})
    counts = tuple(n for n in wanted if n >= min(FIRST_LOOK, plans))
    times = tuple(n / plans for n in counts)
    levels = tuple(alpha_spent(time, policy) for time in times)
    return Design(counts, levels, boundaries(times, levels))


def run_looks(
    values: Floats,
    plan: Design,
    policy: Policy,
    margin: float | None = None,
    losses: Floats | None = None,
) -> LookStop:
    """Walk the looks over the available plan values (NaN: no whole pair), in trial order.

    `margin` keeps a trial open while showing 'loses less than the margin' is still in reach.
    `losses`, per plan, is what each could lose: from rule 3 on, a crossing counts only if the mean
    exceeds what unseen plans could lose. A walk that crossed has spent its alpha, so that it may
    still win at a later look: the chance of any first crossing stays within alpha.
    """
    walk, before = signflip.start(policy.rule_version), 0
    stop = LookStop("open", 0, 0, 1.0, 1.0)
    for look, (count, level) in enumerate(zip(plan.counts, plan.levels, strict=True), start=1):
        if count > len(values):
            break
        fresh = values[before:count]
        seen = values[:count][np.isfinite(values[:count])]
        step: signflip.Step | MarginStep
        if is_margin_test(policy):
            step = margin_step(seen, plan.bounds[look - 1], policy)
        else:
            step = signflip.advance(walk, fresh[np.isfinite(fresh)], level)
            walk = step.walk
        before = count
        idle = partial(_hopeless, seen, plan.plans - count, plan, policy, margin)
        why = _reason_code(step, seen, count == plan.plans, idle)
        bound = plan.bounds[look - 1]
        if why == "better" and not exceeds_unseen(seen, _first(losses, count), bound, policy):
            why = "unseen_loss" if count == plan.plans else "open"
        stop = LookStop(why, look, count, step.p_better, step.p_worse)
        if stop.why != "open":
            break
    return stop


def is_margin_test(policy: Policy) -> bool:
    """Whether a t-test of difference + margin decides; never before rule 3."""
    return policy.seals and policy.test == "margin_t"


def _first(losses: Floats | None, count: int) -> Floats | None:
    return None if losses is None else losses[:count]


def _reason_code(
    step: signflip.Step | MarginStep, seen: Floats, last: bool, hopeless: Callable[[], bool]
) -> Why:
    if step.better and (isinstance(step, MarginStep) or seen.mean() > 0):
        return "better"
    if step.worse:
        return "worse"
    if last:
        return "end"
    return "futile" if hopeless() else "open"


def _hopeless(seen: Floats, left: int, plan: Design, policy: Policy, margin: float | None) -> bool:
    gain = hoped_for(deviation(seen) / sqrt(plan.plans), plan, policy)
    if is_margin_test(policy):
        ahead = chance_left(
            seen + policy.harm_margin, left, gain + policy.harm_margin, plan.bounds[-1]
        )
        return ahead < policy.futility
    if chance_left(seen, left, gain, plan.bounds[-1]) >= policy.futility:
        return False
    bound = reached(policy.alpha)
    return margin is None or chance_left(seen + margin, left, margin, bound) < policy.futility


def hoped_for(unit: float, plan: Design, policy: Policy) -> float:
    """The gain that a trial is kept open for: the smallest effect, or the least it can see.

    `unit` is the standard error of a whole trial. A trial too small, or with too little alpha, to
    see the smallest effect is still worth its calls for the gains that it can see. With a margin a
    gain is seen from the margin on.
    """
    shift = policy.harm_margin if is_margin_test(policy) else 0.0
    visible = (plan.bounds[-1] + quantile(policy.power)) * unit - shift
    return max(policy.smallest_effect, visible)


def chance_left(seen: Floats, left: int, gain: float, bound: float) -> float:
    """Conditional power: the chance that `left` more plans carry the walk over its last bound.

    `gain` is taken as the true effect. 0 where no plan differed: then nothing has moved at all.
    """
    spread = deviation(seen)
    if spread == 0:
        return float(len(seen) > 0 and seen[0] > 0)
    goal = bound * spread * sqrt(len(seen) + left)
    ahead = float(seen.sum()) + left * gain
    return above((goal - ahead) / (spread * sqrt(left)))
