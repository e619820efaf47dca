"""The gain to claim: the estimate less what choosing the winners and stopping early add to it.

A gain is only claimed where the looks ended in 'better', and luck helps to end there. How much it
adds at a given true gain follows from the boundaries; it is taken off, for the true gain that the
last round left, a few rounds long (a parametric correction; Whitehead 1986, for walks that were
kept). More rounds would claim too little of large gains, fewer too much of small ones.
"""

from math import exp, sqrt
from typing import NamedTuple

import numpy as np

from prompt_lab.decide import anytime, limits, signflip
from prompt_lab.decide import boundaries as bounds
from prompt_lab.decide.limits import EffectLimits
from prompt_lab.decide.looks import (
    Design,
    LookStop,
    Why,
    design,
    hoped_for,
    is_margin_test,
    run_looks,
)
from prompt_lab.decide.normal import above, reached
from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.policy import Policy


class Sample(NamedTuple):
    """Per plan: its mean difference, and the value that the test sees. NaN: no whole pair.

    `losses` is what each plan could lose; None where no guard against unseen losses is needed.
    """

    means: Floats
    values: Floats
    losses: Floats | None = None

    def there(self) -> "Sample":
        """The plans with at least one whole pair."""
        parts = [self.means, self.values] + ([] if self.losses is None else [self.losses])
        return Sample(*(np.asarray(part[np.isfinite(part)]) for part in parts))


class TestResult(NamedTuple):
    """The test's result. `level` is the nominal one-sided level of the look that decided."""

    why: Why
    p_better: float
    p_worse: float
    e_value: float | None
    interval: EffectLimits
    claimed: float | None
    level: float
    look: int
    looks: int
    method: str
    enough: int  # the fewest plans with which anything can be shown at policy.alpha


def one_look(sample: Sample, policy: Policy) -> TestResult:
    """All pairs at once, at the policy's whole alpha."""
    if policy.mode == "anytime":
        return any_look(sample, policy, look=1, looks=1)
    if policy.seals:
        once = policy.model_copy(update={"mode": "fixed"})
        whole = sample.there()
        plan = design(max(len(whole.means), 1), once)
        stop = run_looks(whole.values, plan, once, losses=whole.losses)
        return last_look(sample, once, stop, plan)
    p_better, p_worse = signflip.p_values(sample.there().values, policy.rule_version)
    count = len(sample.there().means)
    stop = LookStop(_reason_code(p_better, p_worse, policy.alpha), 1, count, p_better, p_worse)
    once = policy.model_copy(update={"mode": "fixed"})
    return last_look(sample, policy, stop, design(max(count, 1), once))


def any_look(sample: Sample, policy: Policy, look: int, looks: int) -> TestResult:
    """One look of the anytime-valid mode: right at whatever moment it is taken.

    The claim is the lower limit, which holds however the moment was chosen.
    """
    means, values, _ = sample.there()
    up, down = anytime.log_e_value(values), anytime.log_e_value(-values)
    p_better, p_worse = (min(1.0, exp(-e)) for e in (up, down))
    why = _reason_code(p_better, p_worse, policy.alpha)
    interval = anytime.confidence(means, policy.alpha)
    return TestResult(
        why=why,
        p_better=p_better,
        p_worse=p_worse,
        e_value=exp(min(up, 700.0)),
        interval=interval,
        claimed=max(0.0, interval.low) if why == "better" else None,
        level=policy.alpha,
        look=look,
        looks=looks,
        method="e-value, bets averaged over fixed fractions",
        enough=anytime.fewest_plans(policy.alpha),
    )


def last_look(sample: Sample, policy: Policy, stop: LookStop, plan: Design) -> TestResult:
    """Where the planned looks ended. The interval holds at all looks together."""
    last = plan.bounds[stop.look - 1] if stop.look and len(plan.bounds) > 1 else None
    level = policy.alpha if last is None else above(last)
    means, values, _ = sample.there()
    why = stop.why
    shift = policy.harm_margin if is_margin_test(policy) else 0.0
    if why == "better" and means.mean() + shift <= 0:  # unequal support can part the two
        why = "end"
    gain = None
    if why == "better":
        gain = claimed(float(means.mean()) + shift, limits.deviation(means), plan, policy) - shift
    return TestResult(
        why=why,
        p_better=stop.p_better,
        p_worse=stop.p_worse,
        e_value=None,
        interval=_agree(limits.limits(means, level), why, shift),
        claimed=gain,
        level=level,
        look=max(stop.look, 1),
        looks=len(plan.counts),
        method=_method(values, policy, len(plan.counts)),
        enough=limits.fewest_plans(policy.alpha),
    )


def _method(values: Floats, policy: Policy, looks: int) -> str:
    frame = f"{policy.spending} spending over {looks} looks" if looks > 1 else "one look"
    if is_margin_test(policy):
        return f"t-test of difference + {policy.harm_margin * 100:g} points, {frame}"
    mid = signflip.is_mid_p(int(np.count_nonzero(values)), policy.rule_version)
    plain = f"sign-flip on plan values, {'mid-p' if mid else 'exact'}, {frame}"
    return plain + (", adjusted for difficulty" if policy.adjust == "difficulty" else "")


def _agree(interval: EffectLimits, why: Why, shift: float = 0.0) -> EffectLimits:
    """Test and interval differ by a hair at the edge; the test decides, the interval follows.

    `shift` is the margin whose loss was tested.
    """
    low, high = interval
    if why == "better":
        return EffectLimits(max(low, -shift), high)
    if why == "worse":
        return EffectLimits(low, min(high, -shift))
    if why == "end" and not shift:
        return EffectLimits(min(low, 0.0), max(high, 0.0))
    return interval


def _reason_code(p_better: float, p_worse: float, alpha: float) -> Why:
    if p_better <= alpha + signflip.TINY:
        return "better"
    return "worse" if p_worse <= alpha + signflip.TINY else "end"


ROUNDS = 4  # measured: within 1.1 points of true gains of 5 to 25 points at 200 plans


def claimed(effect: float, deviation: float, plan: Design, policy: Policy) -> float:
    """The gain to claim after 'better', from the mean and the standard deviation of the plans."""
    if deviation <= 0 or effect <= 0:
        return max(0.0, effect)
    unit = deviation / sqrt(plan.plans)  # turns the walk's drift into a gain
    gain = effect
    for _ in range(ROUNDS):
        lift = kept_mean(plan, gain / unit, policy, unit) * unit - gain
        gain = min(effect, max(0.0, effect - lift))
    return gain


def kept_mean(plan: Design, drift: float, policy: Policy, unit: float) -> float:
    """The mean estimate, in drift units, among walks of this drift that end in 'better'."""
    density, before, chance, total = np.zeros(0), 0.0, 0.0, 0.0
    for count, bound in zip(plan.counts, plan.bounds, strict=True):
        time = count / plan.plans
        density = bounds.carry(density, time - before, drift)
        below = bounds.truncate_below(density, bound * sqrt(time))
        above = density - below
        chance += float(above.sum())
        total += float((above * bounds.GRID).sum()) / time
        density, before = (
            below - bounds.truncate_below(below, hopeless(plan, time, policy, unit)),
            time,
        )
    return total / chance if chance > 1e-12 else drift


def hopeless(plan: Design, time: float, policy: Policy, unit: float) -> float:
    """The walk's height below which it stops as futile."""
    if time >= 1 or policy.futility == 0:
        return float(bounds.GRID[0])
    left = 1 - time
    gain = hoped_for(unit, plan, policy) / unit
    reach = reached(policy.futility) * sqrt(left) + left * gain
    return plan.bounds[-1] - reach
