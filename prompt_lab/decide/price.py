"""What a trial would see and cost, worked out before its first call."""

from math import sqrt
from typing import NamedTuple

import numpy as np

from prompt_lab.decide import boundaries as bounds
from prompt_lab.decide.effect import hopeless
from prompt_lab.decide.limits import drift_shown, fewest_plans, plans_needed
from prompt_lab.decide.looks import Design, design
from prompt_lab.decide.normal import quantile, reached
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.power import FEW, power_of_look


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
    needed = plans_needed(deviation, policy.smallest_effect, policy.alpha, policy.power)
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


def _visible(plan: Design, policy: Policy, unit: float) -> float:
    low, high = 0.0, reached(policy.alpha) + quantile(policy.power) + 4.0
    for _ in range(16):
        middle = (low + high) / 2
        if reach(plan, middle, policy, unit)[0] < policy.power:
            low = middle
        else:
            high = middle
    return high * unit
