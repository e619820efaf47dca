"""From what was shown and which guards hold to one of the four outcomes, with its reasons."""

from math import ceil
from typing import NamedTuple

from prompt_lab.decide.effect import TestResult
from prompt_lab.decide.limits import deviation, error, plans_needed
from prompt_lab.decide.looks import is_margin_test
from prompt_lab.decide.margin import skew_corrected, unseen_loss
from prompt_lab.decide.notes import promising
from prompt_lab.decide.pairs import Floats, snap_ties
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import plans_of_trial
from prompt_lab.decide.reasons import Code, Reason, number, points
from prompt_lab.decide.result import Guard
from prompt_lab.decide.simpler import Simpler
from prompt_lab.names import Outcome, count, plural


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


def positive(
    effect: float, n_plans: int, finding: TestResult, simpler: Simpler, policy: Policy
) -> Reason | None:
    """The reason for a YES, if the pairs give one. From rule 3 on its headline is the claim."""
    if finding.why == "better" and policy.seals:
        return _confirmed(effect, n_plans, finding, policy)
    if finding.why == "better":
        text = (
            f"Better by {points(effect)} points over {n_plans} plans"
            f" (p = {finding.p_better:.2g}, look {finding.look} of {finding.looks})."
        )
        return Reason(code=Code.BETTER, text=text, facts=pair_facts(effect, n_plans, finding))
    return simpler.note if simpler.shown and finding.why != "worse" else None


_CONFIRMED = {
    "none": (Code.NO_HARM, "No harm"),
    "length": (Code.SIMPLER, "Simpler"),
    "cost": (Code.CHEAPER, "Cheaper"),
}
"""The policy's saving -> code and first words of a margin test's YES."""


def _confirmed(effect: float, n_plans: int, finding: TestResult, policy: Policy) -> Reason:
    """The claimed gain first; the measured one, which is too high on average, after it."""
    claim = finding.claimed or 0.0
    facts = pair_facts(effect, n_plans, finding) | {"claimed": number(claim)}
    on = (
        f"measured {points(effect)} over {count(n_plans, 'plan')}"
        f" (p = {finding.p_better:.2g}, look {finding.look} of {finding.looks})."
    )
    if not is_margin_test(policy):
        text = f"Better by about {points(claim)} points: {on}"
        return Reason(code=Code.BETTER, text=text, facts=facts)
    code, first = _CONFIRMED[policy.saving]
    text = (
        f"{first}: a loss of {policy.harm_margin * 100:g} points is excluded, the gain is about"
        f" {points(claim)} points: {on}"
    )
    return Reason(code=code, text=text, facts=facts | {"margin": number(policy.harm_margin)})


def small_gain(finding: TestResult, policy: Policy) -> Reason | None:
    """A warning on a YES whose claimed gain is below the smallest effect worth having.

    Rule 3 states it, since no policy requires the smallest effect for a YES.
    """
    claim = finding.claimed
    if not policy.seals or policy.saving != "none" or claim is None:
        return None
    if claim >= policy.smallest_effect:
        return None
    text = (
        f"The claimed gain of {points(claim)} points is below the smallest effect worth having,"
        f" {policy.smallest_effect * 100:g} points. A YES does not require it: decide whether this"
        " gain is worth the change."
    )
    facts = {"claimed": number(claim), "smallest_effect": number(policy.smallest_effect)}
    return Reason(code=Code.SMALL_GAIN, text=text, facts=facts)


LUCK = 1.0
"""What a promising trend owes to luck, in standard errors: measured at a true gain of 10 points."""


def retest_plans(means: Floats, effect: float, policy: Policy) -> int:
    """How many plans a new trial needs to settle a promising trend.

    A trend looks promising where luck helped it. From rule 3 on the gain is corrected for that, by
    LUCK standard errors. Before, it was taken as seen.
    """
    spread = deviation(means)
    if not policy.seals:
        return plans_needed(spread, effect, policy.alpha, policy.power)
    corrected = effect - LUCK * error(means)
    return plans_of_trial(spread, max(corrected, effect / 4), policy)


def lowered(reason: Reason, guards: tuple[Guard, ...]) -> Decision:
    """A YES, unless a guard failed: then CONDITIONAL, or NO where the verify plans say worse."""
    failed = tuple(guard.reason for guard in guards if guard.reason is not None)
    if any(why.code == Code.VERIFY_WORSE for why in failed):
        return Decision(Outcome.NO, (*failed, reason))
    return Decision(Outcome.CONDITIONAL if failed else Outcome.YES, (reason, *failed))


def _unseen(
    means: Floats, effect: float, finding: TestResult, policy: Policy, losses: Floats | None
) -> Reason:
    """The reason where the boundary was crossed, but unseen plans could lose what these gain."""
    least = unseen_loss(losses, policy)
    facts = pair_facts(effect, len(means), finding) | {"unseen_loss": number(least)}
    text = (
        f"Ahead by {points(effect)} points over {count(len(means), 'plan')}"
        f" (p = {finding.p_better:.2g}), but"
    )
    ahead = effect + policy.harm_margin
    if ahead > least:
        text += (
            " a few plans lose so much that more of them, unseen, could cancel it; the losses leave"
            f" a skewness-corrected t of {skew_corrected(means, policy.harm_margin):.1f}. More"
            " verify plans settle it."
        )
        return Reason(code=Code.UNSEEN_LOSS, text=text, facts=facts)
    needed = ceil(least * len(means) / ahead) + 1
    text += (
        f" so few plans can miss a kind of plan that loses {least * 100:.1f} points in the mean. If"
        f" the trend holds, about {count(needed, 'plan')} exclude it."
    )
    return Reason(code=Code.UNSEEN_LOSS, text=text, facts=facts | {"retest_plans": str(needed)})


def negative(
    means: Floats, finding: TestResult, policy: Policy, losses: Floats | None = None
) -> Decision:
    """Not shown better: worse, too few plans to tell, promising, or futile.

    `losses` is what each plan could lose, for a crossing that the guard against it held back.
    """
    effect, n_plans = mean_of(means, policy), len(means)
    facts = pair_facts(effect, n_plans, finding)
    if finding.why == "worse":
        text = f"Worse by {points(effect)} points over {n_plans} plans (p = {finding.p_worse:.2g})."
        return Decision(Outcome.NO, (Reason(code=Code.WORSE, text=text, facts=facts),))
    if finding.why == "unseen_loss":
        return Decision(Outcome.CONDITIONAL, (_unseen(means, effect, finding, policy, losses),))
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
        fresh = retest_plans(means, effect, policy)
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
