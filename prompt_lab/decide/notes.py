"""Remarks that a verdict carries beside its reasons: what could be seen, what to beware of."""

import numpy as np

from prompt_lab.decide.effect import TestResult
from prompt_lab.decide.evidence import Evidence
from prompt_lab.decide.limits import deviation, fewest_plans, visible
from prompt_lab.decide.normal import above, reached
from prompt_lab.decide.pairs import Floats, ScoreTable
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import Rates, TrialPrice, plans_of_trial, visible_in_trial
from prompt_lab.decide.price import price as priced
from prompt_lab.decide.reasons import Code, Reason, number
from prompt_lab.names import count, dollars, plural

SKEWED_BELOW = 100  # plans; above, the mean of skewed values is close enough to normal
SKEW = 1.0


def promising(finding: TestResult, policy: Policy) -> bool:
    """Whether the trend seen would have been shown by retest_factor times as many plans."""
    reach = reached(policy.alpha) / float(np.sqrt(policy.retest_factor))
    return finding.p_better <= above(reach)


def price(table: ScoreTable, finding: TestResult, policy: Policy, evidence: Evidence) -> Reason:
    """What these plans could have shown, and what deciding to half the smallest effect takes."""
    means = table.means[np.isfinite(table.means)]
    seen = visible_gain(means, finding.level, policy)
    spread = deviation(means)
    fine = policy.smallest_effect / 2
    needed = [plans_of_trial(spread, gain, policy) for gain in (policy.smallest_effect, fine)]
    cells = table.differences.shape[1] * table.differences.shape[2]
    cost = priced(needed[1], cells, rates(evidence))
    could = (
        f"With {count(len(means), 'plan')} of this spread a gain of {seen * 100:.0f} points or more"
        f" would have been seen ({policy.power:.0%} power)"
        if len(means) >= fewest_plans(finding.level)
        else f"{count(len(means), 'plan')} can show no gain at this level"
    )
    frame = "in one trial" if policy.seals else "in one look"
    text = (
        f"{could}; {policy.smallest_effect * 100:g} points take"
        f" about {needed[0]} plans {frame}, {fine * 100:g} points about {needed[1]}"
        f" ({in_words(cost)})."
    )
    facts = {
        "visible": number(seen),
        "deviation": number(spread),
        "plans_for_smallest": str(needed[0]),
        "plans_for_half": str(needed[1]),
        "calls_for_half": str(cost.calls),
    }
    return Reason(code=Code.NEEDS_PAIRS, text=text, facts=facts)


def visible_gain(means: Floats, level: float, policy: Policy) -> float:
    """The smallest true gain that plans of this spread show with the policy's power, at most 1."""
    exact = visible_in_trial(deviation(means), len(means), level, policy)
    return visible(means, level, policy.power) if exact is None else exact


def rates(evidence: Evidence) -> Rates:
    """What a run took here: mean dollars and seconds over both sides, where they were given."""
    paid, seconds = (
        float(np.mean(part.baseline + part.candidate))
        if part and part.baseline + part.candidate
        else None
        for part in (evidence.cost, evidence.latency)
    )
    return Rates(paid, seconds)


def in_words(cost: TrialPrice) -> str:
    """A price for a sentence: runs, dollars and time one after another, where they are known."""
    parts = [f"{cost.calls} {plural(cost.calls, 'run')} on both sides"]
    if cost.dollars is not None:
        parts.append(dollars(cost.dollars))
    if cost.seconds is not None:
        parts.append(f"{_span(cost.seconds)} one after another")
    return ", ".join(parts)


def _span(seconds: float) -> str:
    """A rough duration: seconds, minutes or hours, whichever gives a number that is not 0."""
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    if seconds < 5400:
        return count(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def skewed(means: Floats, policy: Policy | None = None) -> Reason | None:
    """A warning where few plans react so unevenly that no test of them keeps its level.

    From rule 3 on it is about the interval, which assumes symmetry, and carries the code of the
    guard against unseen losses, which protects the YES.
    """
    if not 3 <= len(means) < SKEWED_BELOW or deviation(means) == 0:
        return None
    skew = float((((means - means.mean()) / means.std()) ** 3).mean())
    if abs(skew) < SKEW:
        return None
    facts = {"skewness": number(skew)}
    if policy is not None and policy.seals:
        text = (
            f"The {len(means)} plans react unevenly (skewness {skew:+.1f}): the interval takes the"
            " plans as symmetric and can exclude the true effect. More plans would settle it."
        )
        return Reason(code=Code.UNSEEN_LOSS, text=text, facts=facts)
    text = (
        f"The {len(means)} plans react unevenly (skewness {skew:+.1f}): with so few plans the error"
        " rate can exceed alpha. More plans, or the anytime mode, would settle it."
    )
    return Reason(code=Code.SKEWED, text=text, facts=facts)
