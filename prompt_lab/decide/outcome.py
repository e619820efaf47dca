"""From what was shown and which guards hold to one of the four outcomes, with its reasons."""

from typing import NamedTuple

from prompt_lab.decide.effect import TestResult
from prompt_lab.decide.limits import deviation, plans_needed
from prompt_lab.decide.notes import promising
from prompt_lab.decide.pairs import Floats, snap_ties
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Code, Reason, number, points
from prompt_lab.decide.result import Guard
from prompt_lab.decide.simpler import Simpler
from prompt_lab.names import Outcome, plural


class Decision(NamedTuple):
    """The outcome and why, the deciding reason first."""

    outcome: Outcome
    reasons: tuple[Reason, ...]


def mean_of(means: Floats, policy: Policy) -> float:
    """The mean of these plans; 0 where it is a tie."""
    return float(snap_ties(means.mean(), policy.tie))


def pair_facts(effect: float, n_plans: int, finding: TestResult) -> dict[str, str]:
    """The facts that every reason about the pairs carries."""
    return {
        "effect": number(effect),
        "plans": str(n_plans),
        "p_better": number(finding.p_better),
        "p_worse": number(finding.p_worse),
        "look": str(finding.look),
    }


def positive(effect: float, n_plans: int, finding: TestResult, simpler: Simpler) -> Reason | None:
    """The reason for a YES, if the pairs give one."""
    if finding.why == "better":
        text = (
            f"Better by {points(effect)} points over {n_plans} plans"
            f" (p = {finding.p_better:.2g}, look {finding.look} of {finding.looks})."
        )
        return Reason(code=Code.BETTER, text=text, facts=pair_facts(effect, n_plans, finding))
    return simpler.note if simpler.shown and finding.why != "worse" else None


def lowered(reason: Reason, guards: tuple[Guard, ...]) -> Decision:
    """A YES, unless a guard failed: then CONDITIONAL, or NO where the verify plans say worse."""
    failed = tuple(guard.reason for guard in guards if guard.reason is not None)
    if any(why.code == Code.VERIFY_WORSE for why in failed):
        return Decision(Outcome.NO, (*failed, reason))
    return Decision(Outcome.CONDITIONAL if failed else Outcome.YES, (reason, *failed))


def negative(means: Floats, finding: TestResult, policy: Policy) -> Decision:
    """Not shown better: worse, too few plans to tell, promising, or futile."""
    effect, n_plans = mean_of(means, policy), len(means)
    facts = pair_facts(effect, n_plans, finding)
    if finding.why == "worse":
        text = f"Worse by {points(effect)} points over {n_plans} plans (p = {finding.p_worse:.2g})."
        return Decision(Outcome.NO, (Reason(code=Code.WORSE, text=text, facts=facts),))
    if n_plans < finding.enough and finding.why != "futile":
        text = (
            f"{n_plans} {plural(n_plans, 'plan')} cannot show anything at alpha {policy.alpha:g}, "
            f"whatever their scores: it takes at least {finding.enough}."
        )
        facts |= {"needed": str(finding.enough)}
        return Decision(
            Outcome.CONDITIONAL, (Reason(code=Code.TOO_FEW_PLANS, text=text, facts=facts),)
        )
    if finding.why == "end" and effect > 0 and promising(finding, policy):
        fresh = plans_needed(deviation(means), effect, policy.alpha, policy.power)
        text = (
            f"Promising, not shown: {points(effect)} points over {n_plans} plans"
            f" (p = {finding.p_better:.2g} against {policy.alpha:g}), and the plans are used up; if"
            f" the trend holds, a new trial on about {fresh} {plural(fresh, 'plan')} settles it."
        )
        facts |= {"retest_plans": str(fresh)}
        return Decision(Outcome.CONDITIONAL, (Reason(code=Code.RAN_OUT, text=text, facts=facts),))
    when = "stopped early" if finding.why == "futile" else "at the end"
    text = (
        f"Not shown better ({when}): {points(effect)} points over {n_plans} plans"
        f" (p = {finding.p_better:.2g})."
    )
    return Decision(Outcome.NO, (Reason(code=Code.FUTILE, text=text, facts=facts),))
