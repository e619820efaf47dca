"""What the pairs alone show, before any guard: one look at all of them, or the end of the looks."""

from math import exp
from typing import NamedTuple

import numpy as np

from prompt_lab.decide import anytime, limits, signflip
from prompt_lab.decide.gain import claimed
from prompt_lab.decide.limits import EffectLimits
from prompt_lab.decide.looks import Design, LookStop, Why, design
from prompt_lab.decide.normal import above
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.table import Floats


class Sample(NamedTuple):
    """Per plan: its mean difference, and the value that the test sees. NaN: no whole pair."""

    means: Floats
    values: Floats

    def there(self) -> "Sample":
        """The plans with at least one whole pair."""
        return Sample(*(np.asarray(part[np.isfinite(part)]) for part in self))


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
    p_better, p_worse = signflip.p_values(sample.there().values)
    count = len(sample.there().means)
    stop = LookStop(_reason_code(p_better, p_worse, policy.alpha), 1, count, p_better, p_worse)
    once = policy.model_copy(update={"mode": "fixed"})
    return last_look(sample, policy, stop, design(max(count, 1), once))


def any_look(sample: Sample, policy: Policy, look: int, looks: int) -> TestResult:
    """One look of the anytime-valid mode: right at whatever moment it is taken.

    The claim is the lower limit, which holds however the moment was chosen.
    """
    means, values = sample.there()
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
    means, values = sample.there()
    why = stop.why
    if why == "better" and means.mean() <= 0:  # unequal support can part the two
        why = "end"
    gain = None
    if why == "better":
        gain = claimed(float(means.mean()), limits.deviation(means), plan, policy)
    return TestResult(
        why=why,
        p_better=stop.p_better,
        p_worse=stop.p_worse,
        e_value=None,
        interval=_agree(limits.limits(means, level), why),
        claimed=gain,
        level=level,
        look=max(stop.look, 1),
        looks=len(plan.counts),
        method=_method(values, policy, len(plan.counts)),
        enough=limits.fewest_plans(policy.alpha),
    )


def _method(values: Floats, policy: Policy, looks: int) -> str:
    few = np.count_nonzero(values) < signflip.EXACT_BELOW
    frame = f"{policy.spending} spending over {looks} looks" if looks > 1 else "one look"
    plain = f"sign-flip on plan values, {'exact' if few else 'mid-p'}, {frame}"
    return plain + (", adjusted for difficulty" if policy.adjust == "difficulty" else "")


def _agree(interval: EffectLimits, why: Why) -> EffectLimits:
    """Test and interval differ by a hair at the edge; the test decides, the interval follows."""
    low, high = interval
    if why == "better":
        return EffectLimits(max(low, 0.0), high)
    if why == "worse":
        return EffectLimits(low, min(high, 0.0))
    return EffectLimits(min(low, 0.0), max(high, 0.0)) if why == "end" else interval


def _reason_code(p_better: float, p_worse: float, alpha: float) -> Why:
    if p_better <= alpha + signflip.TINY:
        return "better"
    return "worse" if p_worse <= alpha + signflip.TINY else "end"
