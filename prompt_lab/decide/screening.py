"""The first half of rule 3: train plans screen candidates, and the best one goes on.

A screening is one look that spends no error budget: train plans can be read by the author of a
candidate, so they show what to try and prove nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from prompt_lab.decide import signflip
from prompt_lab.decide.guard_models import model_rows
from prompt_lab.decide.limits import deviation, fewest_plans, limits
from prompt_lab.decide.margin import t_score
from prompt_lab.decide.normal import t_above
from prompt_lab.decide.pairs import Floats, Pair, tabulate
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Code, Reason, number, points
from prompt_lab.decide.result import Interval, Screening, Verdict
from prompt_lab.names import Outcome, count

INTERVAL_LEVEL = 0.05
"""One-sided level of each end of a screening's interval."""
METHOD = "screening: one sign-flip test on the train plans"


def screen(pairs: Sequence[Pair], policy: Policy) -> Screening:
    """Whether the train plans let a candidate go on to the sealed plans.

    It does with a positive mean difference and a one-sided sign-flip p-value of at most
    `policy.screen_level`. Under a policy that asks for a saving, a t-test of difference +
    harm_margin takes its place: such a candidate need not gain. Raises LabError as `tabulate` does.
    """
    table = tabulate(pairs, tie=policy.tie, one_sided=policy.seals)
    means = table.means[np.isfinite(table.means)]
    shift = policy.harm_margin if policy.saving != "none" else 0.0
    values = table.values[np.isfinite(table.values)]
    p_value = margin_p_value(values, shift) if shift else screening_p_value(values)
    effect = float(means.mean()) if len(means) else None
    passed = effect is not None and effect + shift > 0 and p_value <= policy.screen_level
    low, high = limits(means, INTERVAL_LEVEL)
    return Screening(
        passed=passed,
        effect=effect,
        interval=Interval(low=low, high=high) if len(means) else None,
        p_value=p_value,
        level=policy.screen_level,
        n_plans=len(means),
        n_pairs=table.pair_count,
        models=model_rows(table, policy),
        fingerprint=table.fingerprint,
        reason=_reason(passed, effect, len(means), p_value, policy),
    )


def screening_p_value(values: Floats) -> float:
    """One-sided, for better; half of the tie's chance counts from 20 moving plans on.

    A screening proves nothing, so the power of mid-p is worth more here than an exact level.
    """
    return signflip.p_values(values, signflip.MID_P_UP_TO)[0]


def margin_p_value(values: Floats, margin: float) -> float:
    """One-sided, that the mean of these values is above -margin, by Student's t."""
    if len(values) < 2:
        return 1.0
    score = t_score(float(values.mean()) + margin, deviation(values), len(values))
    return t_above(score, len(values) - 1)


def best_of(screenings: Mapping[str, Screening]) -> str | None:
    """The key of the candidate to confirm; None if none passed.

    The largest mean difference, of equals the smaller p-value, then the first by name.
    """
    passed = [(name, seen) for name, seen in screenings.items() if seen.passed]
    if not passed:
        return None
    return min(passed, key=lambda item: (-(item[1].effect or 0.0), item[1].p_value, item[0]))[0]


def fewest_sealed_plans(policy: Policy) -> int:
    """The fewest sealed plans with which any scores could give a YES at the policy's alpha."""
    return fewest_plans(policy.alpha)


def screened_out(screening: Screening, policy: Policy) -> Verdict:
    """The verdict NO of a candidate that does not go on. No error budget is spent."""
    return _verdict(screening, policy, Outcome.NO, (screening.reason,))


def needs_verify_plans(screening: Screening, policy: Policy, given: int) -> Verdict:
    """The verdict CONDITIONAL where `given` sealed plans are too few for any YES.

    No error budget is spent. Where the screening failed too, its reason comes second.
    """
    needed = fewest_sealed_plans(policy)
    text = (
        f"{count(given, 'verify plan')} cannot confirm anything at alpha {policy.alpha:.2g},"
        f" whatever the scores: it takes at least {needed}. Add {count(needed - given, 'plan')} or"
        " more to the verify split."
    )
    facts = {"given": str(given), "needed": str(needed)}
    reason = Reason(code=Code.NEEDS_VERIFY_PLANS, text=text, facts=facts)
    return _verdict(screening, policy, Outcome.CONDITIONAL, (reason, screening.reason))


def _reason(
    passed: bool, effect: float | None, plans: int, p_value: float, policy: Policy
) -> Reason:
    facts = {"plans": str(plans), "p_better": number(p_value), "level": number(policy.screen_level)}
    if effect is None:
        text = "Not one pair of the train plans has both sides: nothing was screened."
        return Reason(code=Code.SCREENED_OUT, text=text, facts=facts)
    facts["effect"] = number(effect)
    seen = f"{points(effect)} points over {count(plans, 'train plan')} (p = {p_value:.2g}"
    limit = f", at most {policy.screen_level:g} goes on)."
    if passed:
        return Reason(code=Code.SCREENED, text=f"Screened: {seen}{limit}", facts=facts)
    text = f"Screened out, the sealed plans were not asked: {seen}{limit}"
    return Reason(code=Code.SCREENED_OUT, text=text, facts=facts)


def _verdict(
    screening: Screening, policy: Policy, outcome: Outcome, reasons: tuple[Reason, ...]
) -> Verdict:
    runs = 2 * screening.n_pairs
    return Verdict(
        outcome=outcome,
        reasons=reasons,
        reason_order="failed_guards_first",
        effect=screening.effect,
        interval=screening.interval,
        effect_size=None,
        p_value=screening.p_value,
        n_plans=screening.n_plans,
        n_pairs=screening.n_pairs,
        models=screening.models,
        calls=runs,
        calls_planned=runs,
        look=1,
        looks=1,
        alpha=policy.alpha,
        method=METHOD,
        seed=policy.seed,
        rule_version=policy.rule_version,
        fingerprint=screening.fingerprint,
        screening=screening,
    )
