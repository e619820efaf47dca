"""Failed guards before every other reason: order and explanation of a verdict."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prompt_lab.decide.reasons import Code, Reason, points
from prompt_lab.decide.result import Guard, ReasonOrder, Verdict
from prompt_lab.names import Outcome, count

FAILED_GUARDS_FIRST: ReasonOrder = "failed_guards_first"
SHOWN_IN_FULL = 3
"""Failed guards that an explanation quotes; it names the others."""


class Explanation(NamedTuple):
    """Why a verdict is what it is, in plain sentences."""

    failed: tuple[str, ...]
    """One sentence for each failed guard."""
    finding: str
    """What the comparison itself came to; '' where no reason was recorded."""
    finding_first: bool
    """Whether the finding comes before the failed guards: it voids them, or says the same."""

    @property
    def text(self) -> str:
        """All sentences in order, at most SHOWN_IN_FULL failed guards in full."""
        failed = list(self.failed[:SHOWN_IN_FULL])
        if more := len(self.failed) - SHOWN_IN_FULL:
            failed += [f"{count(more, 'more guard')} failed."] if more > 0 else []
        parts = [self.finding, *failed] if self.finding_first else [*failed, self.finding]
        return " ".join(part for part in parts if part) or "No reason was recorded."


def failed_guards(verdict: Verdict) -> tuple[Guard, ...]:
    """The guards that failed, in the order of the verdict."""
    return tuple(guard for guard in verdict.guards if guard.state == "failed")


def order_guards(guards: Iterable[Guard]) -> tuple[Guard, ...]:
    """The same guards, the failed ones first."""
    return tuple(sorted(guards, key=lambda guard: guard.state != "failed"))


def order_reasons(
    outcome: Outcome, reasons: Sequence[Reason], guards: Iterable[Guard], alpha: float
) -> tuple[Reason, ...]:
    """The reasons with those of failed guards first, whatever the pairs show.

    An INVALID verdict keeps its reasons: they void the runs that the guards were measured on.
    Applied twice it changes nothing, and it applies to a verdict of any recorded order.
    """
    failed = _failed_reasons(guards)
    if outcome is Outcome.INVALID or not failed:
        return tuple(reasons)
    rest = [_without_promise(reason, alpha) for reason in reasons if reason not in failed]
    if _repeats_finding(rest, failed, guards := tuple(guards)):
        return (rest[0], *failed, *rest[1:])
    return (*failed, *rest)


def reasons_in_order(verdict: Verdict) -> tuple[Reason, ...]:
    """The reasons of a verdict of any version, failed guards first."""
    return order_reasons(verdict.outcome, verdict.reasons, verdict.guards, verdict.alpha)


def explain(verdict: Verdict) -> Explanation:
    """The failed guards and the finding of a verdict of any version."""
    failed = failed_guards(verdict)
    reasons = [guard.reason for guard in failed]
    ordered = reasons_in_order(verdict)
    finding = next((reason for reason in ordered if reason not in reasons), None)
    return Explanation(
        failed=tuple(f"Guard {guard.name!r} failed: {guard.text}" for guard in failed),
        finding=finding.text if finding else "",
        finding_first=finding is not None and finding == ordered[0],
    )


def _failed_reasons(guards: Iterable[Guard]) -> list[Reason]:
    return [g.reason for g in guards if g.state == "failed" and g.reason is not None]


def _repeats_finding(
    rest: Sequence[Reason], failed: Sequence[Reason], guards: Sequence[Guard]
) -> bool:
    """Whether the only failed guard is that of the only model, and the finding says the same."""
    models = [guard for guard in guards if guard.name.startswith("model ")]
    codes = [reason.code for reason in failed]
    return (
        bool(rest)
        and rest[0].code is Code.WORSE
        and codes == [Code.MODEL_WORSE]
        and len(models) == 1
    )


def _without_promise(reason: Reason, alpha: float) -> Reason:
    """A trend that more plans could show, without the promise: more plans settle no guard."""
    if reason.code is not Code.RAN_OUT or "retest_plans" not in reason.facts:
        return reason
    facts = {name: value for name, value in reason.facts.items() if name != "retest_plans"}
    text = (
        f"Over all models not shown better: {points(float(facts['effect']))} points over"
        f" {facts['plans']} plans (p = {float(facts['p_better']):.2g} against {alpha:g}), and the"
        " plans are used up."
    )
    return Reason(code=reason.code, text=text, facts=facts)
