"""The last gate: do the verify plans, which no candidate was tuned on, confirm it?

It is read once, when all else says YES, and can only lower the verdict. Hence its own, lenient
level (policy.verify_alpha): the false keeps of train and gate together stay below alpha whatever
it is, and a stricter one would only send true gains away. 'Better' must be shown above 0 again.
'Simpler' must only not be shown worse: its margin needs far more plans than a verify split has.
"""

import numpy as np

from prompt_lab.decide import limits, signflip
from prompt_lab.decide.pairs import Pair, tabulate
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Code, Reason, number, points
from prompt_lab.decide.result import Guard, Interval, VerifyResult
from prompt_lab.names import plural

NAME = "verify"


def guard_verify(
    pairs: tuple[Pair, ...] | None, policy: Policy, simpler: bool
) -> tuple[Guard, VerifyResult | None]:
    """The guard and the numbers behind it. 'not shown' means: required, and not yet read."""
    if policy.verify == "off" or (pairs is None and policy.verify == "if_given"):
        why = (
            "The policy has no verify gate." if policy.verify == "off" else "No verify pairs given."
        )
        return Guard(name=NAME, state="off", text=f"Off: {why}"), None
    if pairs is None:
        text = "Everything else says YES; the verify plans are still to be read."
        return Guard(
            name=NAME, state="not shown", text=text, reason=_reason(Code.VERIFY_PENDING, text)
        ), None
    result = read(pairs, policy)
    return _guard(result, simpler), result


def read(pairs: tuple[Pair, ...], policy: Policy) -> VerifyResult:
    """One look at all verify pairs, at the gate's own level."""
    level = policy.verify_alpha
    table = tabulate(pairs, tie=policy.tie)
    means = table.means[np.isfinite(table.means)]
    values = table.values[np.isfinite(table.values)]
    p_better, p_worse = signflip.p_values(values, policy.rule_version)
    low, high = limits.limits(means, level)
    return VerifyResult(
        effect=float(means.mean()) if len(means) else None,
        interval=Interval(low=low, high=high),
        p_value=p_better,
        p_worse=p_worse,
        n_plans=len(means),
        n_pairs=table.pair_count,
        alpha=level,
        fingerprint=table.fingerprint,
    )


def _guard(seen: VerifyResult, simpler: bool) -> Guard:
    text = (
        f"{points(seen.effect or 0.0)} points on {seen.n_plans} verify plans (p = "
        f"{seen.p_value:.3g} for better, {seen.p_worse:.3g} for worse, level {seen.alpha:g})"
    )
    numbers = {"p_better": seen.p_value, "p_worse": seen.p_worse, "plans": float(seen.n_plans)}
    worse = seen.n_plans > 0 and seen.p_worse <= seen.alpha + signflip.TINY
    better = (seen.effect or 0.0) > 0 and seen.p_value <= seen.alpha + signflip.TINY
    if worse:
        text = f"The verify plans are worse: {text}."
        return Guard(
            name=NAME,
            state="failed",
            text=text,
            numbers=numbers,
            reason=_reason(Code.VERIFY_WORSE, text, numbers),
        )
    if better or (simpler and seen.n_plans > 0):
        return Guard(
            name=NAME, state="held", text=f"The verify plans agree: {text}.", numbers=numbers
        )
    needed = limits.fewest_plans(seen.alpha)
    text = f"The verify plans do not confirm it: {text}"
    text += (
        f"; it takes at least {needed} {plural(needed, 'plan')}." if seen.n_plans < needed else "."
    )
    return Guard(
        name=NAME,
        state="failed",
        text=text,
        numbers=numbers,
        reason=_reason(Code.VERIFY_NOT_SHOWN, text, numbers),
    )


def _reason(code: Code, text: str, numbers: dict[str, float] | None = None) -> Reason:
    return Reason(code=code, text=text, facts={k: number(v) for k, v in (numbers or {}).items()})
