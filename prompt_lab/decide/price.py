"""What a trial would see and cost, worked out before its first call."""

from math import sqrt
from typing import NamedTuple

import numpy as np

from prompt_lab.decide import boundaries as bounds
from prompt_lab.decide.effect import hopeless
from prompt_lab.decide.limits import MOST_PLANS, drift_shown, fewest_plans, plans_needed
from prompt_lab.decide.looks import Design, design, is_margin_test
from prompt_lab.decide.normal import quantile, reached
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.power import FEW, power_of_look, power_of_signs


class Rates(NamedTuple):
    """What one run takes, as measured; None where unknown."""

    dollars: float | None = None
    seconds: float | None = None
    workers: int = 1


class TrialPrice(NamedTuple):
    """What a number of plans costs: runs on both sides, dollars, wall-clock seconds."""

    plans: int
    calls: int
    dollars: float | None
    seconds: float | None


class Forecast(NamedTuple):
    """A policy on a given number of plans: what it can see, and what it spends on the way."""

    alpha: float
    plans: int
    power: float  # of showing the policy's smallest effect
    visible: float  # the gain shown with the policy's power
    mean_plans_if_equal: float  # taken on average if the candidate changes nothing
    mean_plans_if_better: float  # taken on average at the smallest effect
    needed: int  # plans that show the smallest effect with the policy's power, in one look
    possible: bool  # whether any scores at all could give a YES


def price(plans: int, cells: int, rates: Rates) -> TrialPrice:
    """The price of this many plans with `cells` pairs (models x replicates) each."""
    calls = 2 * plans * cells
    dollars = None if rates.dollars is None else calls * rates.dollars
    seconds = None if rates.seconds is None else calls * rates.seconds / max(rates.workers, 1)
    return TrialPrice(plans, calls, dollars, seconds)


COARSE_UP_TO = 600
"""Plans up to which the coarse sums of 0/1 scores cost power."""


def plans_of_trial(deviation: float, gain: float, policy: Policy) -> int:
    """How many plans a whole trial needs to show this gain with the policy's power.

    From rule 3 on with all its looks, and for plans whose differences are -1, 0 or 1; before, what
    one look needs by normal theory. `deviation` is that of the plan values.
    """
    shift = policy.harm_margin if is_margin_test(policy) else 0.0
    needed = plans_needed(deviation, gain + shift, policy.alpha, policy.power)
    if not policy.seals or deviation <= 0 or gain + shift <= 0 or needed > MOST_PLANS / 2:
        return needed
    loss = _loss_by_looks(needed, (gain + shift) / deviation, policy)
    if needed > COARSE_UP_TO or shift:
        return plans_needed(deviation, gain + shift, policy.alpha, min(0.995, policy.power + loss))
    while trial_power(needed, (gain + shift) / deviation, policy, loss) < policy.power:
        needed += 1 if needed < FEW else 1 + needed // FEW
    return needed


def visible_in_trial(deviation: float, plans: int, level: float, policy: Policy) -> float | None:
    """The smallest gain that so many plans show with the policy's power; None before rule 3.

    None too where normal theory is close enough: many plans, or a t-test.
    """
    if not policy.seals or is_margin_test(policy) or plans > COARSE_UP_TO or deviation <= 0:
        return None
    return _visible_signs(plans, deviation, policy.at_alpha(level))


def trial_power(plans: int, drift: float, policy: Policy, loss: float) -> float:
    """The power of a sign-flip trial of 0/1 scores; `loss` is what its looks cost."""
    return power_of_signs(plans, drift, policy.alpha) - loss


def _loss_by_looks(plans: int, drift: float, policy: Policy) -> float:
    """What several looks cost of the power of one, by normal theory, futility included."""
    once = policy.model_copy(update={"mode": "fixed"})
    powers = [
        reach(design(plans, p), drift * sqrt(plans), p, 1 / (drift * sqrt(plans)))[0]
        for p in (once, policy)
    ]
    return max(0.0, powers[0] - powers[1])


def forecast(plans: int, deviation: float, policy: Policy) -> Forecast:
    """What the policy's looks over this many plans show and take.

    `deviation` is the standard deviation of the plan values, as the noise floor measures it.
    """
    count = max(1, min(plans, policy.max_plans))
    plan, unit = design(count, policy), max(deviation, 1e-9) / sqrt(count)
    power, better = reach(plan, policy.smallest_effect / unit, policy, unit)
    _, equal = reach(plan, 0.0, policy, unit)
    gain = min(1.0, _visible(plan, policy, unit))
    if count <= FEW:  # the looks are planned by normal theory, which few plans do not keep
        drift = policy.smallest_effect / max(deviation, 1e-9)
        power = min(power, power_of_look(count, drift, policy.alpha))
        alone = drift_shown(count, policy.alpha, policy.power) * deviation
        gain = min(1.0, max(gain, alone))
    if policy.seals and not is_margin_test(policy) and count <= COARSE_UP_TO:
        drift = policy.smallest_effect / max(deviation, 1e-9)
        power = min(power, power_of_signs(count, drift, policy.alpha))
        gain = max(gain, _visible_signs(count, deviation, policy))
    needed = plans_of_trial(deviation, policy.smallest_effect, policy)
    possible = count >= fewest_plans(policy.alpha)
    return Forecast(policy.alpha, count, power, gain, equal, better, needed, possible)


def reach(plan: Design, drift: float, policy: Policy, unit: float) -> tuple[float, float]:
    """The chance of ending in 'better', and the mean number of plans taken."""
    density, before, power, mean = np.zeros(0), 0.0, 0.0, 0.0
    alive, drift = 1.0, min(drift, 12.0)
    for count, bound in zip(plan.counts, plan.bounds, strict=True):
        time = count / plan.plans
        mean += alive * (time - before) * plan.plans
        density = bounds.carry(density, time - before, drift)
        below = bounds.truncate_below(density, bound * sqrt(time))
        power += float((density - below).sum()) * bounds.WIDTH
        density, before = (
            below - bounds.truncate_below(below, hopeless(plan, time, policy, unit)),
            time,
        )
        alive = float(density.sum()) * bounds.WIDTH
    return min(1.0, power), mean


def _visible_signs(plans: int, deviation: float, policy: Policy) -> float:
    """The smallest gain that so many 0/1 plan differences show with the policy's power."""
    if plans < fewest_plans(policy.alpha):
        return 1.0
    low, high = 0.0, 8.0
    for _ in range(16):
        middle = (low + high) / 2
        shown = power_of_signs(plans, middle, policy.alpha) >= policy.power
        low, high = (low, middle) if shown else (middle, high)
    return min(1.0, high * deviation)


def _visible(plan: Design, policy: Policy, unit: float) -> float:
    low, high = 0.0, reached(policy.alpha) + quantile(policy.power) + 4.0
    for _ in range(16):
        middle = (low + high) / 2
        if reach(plan, middle, policy, unit)[0] < policy.power:
            low = middle
        else:
            high = middle
    return high * unit
