"""What a warm-up does, from cold starts: the start is the unit, not the answer."""

from collections.abc import Sequence
from math import ceil, log2, sqrt
from statistics import pvariance

from pydantic import Field

from prompt_lab.benchmark.exact_tests import fisher_greater
from prompt_lab.benchmark.policies import better_policy
from prompt_lab.decide.verdict import Outcome, Pair, Policy, Verdict, decide
from prompt_lab.records import VERSION, Record

POLICY = better_policy("warm_up", unseen_loss_guard=False)
"""Without the guard against rare kinds of plans that lose: a start is no kind of plan, and where
the warm-up does nothing both arms of a start are equally distributed, so the test is exact."""
Answers = Sequence[bool]


class ColdStart(Record):
    """One restart of the server in each arm, with the answers in the order they were asked."""

    start: int
    cold: str = Field(description="P or F by position, without a warm-up")
    warm: str = Field(description="the same plans in the same order, after a warm-up")


class WarmUpValidation(Record):
    """WARM_UP_VALIDATION_RESULTS.json. Accuracies are in [0, 1]."""

    version: int = VERSION
    model: str
    suite: str
    before: float = Field(description="accuracy without a warm-up")
    after: float = Field(description="accuracy with one")
    improvement: float
    outcome: Outcome = Field(description="of the engine, on the starts")
    reason: str
    p_value: float | None = Field(description="one-sided, sign flips of the starts")
    position_p_value: float | None = Field(
        description="one-sided: failures come first within a cold start"
    )
    answers_p_value: float = Field(
        description="Fisher's exact test on answers as if independent, one-sided: no evidence"
    )
    starts: int
    starts_needed: int | None = Field(
        description="cold starts that would settle an effect of this size; None: it shows none"
    )
    patterns: dict[str, tuple[str, ...]]
    variance: dict[str, float]


def early_score(answers: Answers) -> float:
    """Accuracy with weight 1/position, in [0, 1]: it moves most where failures come first.

    >>> round(early_score([False, False, True, True]), 2)
    0.28
    """
    weights = [1 / position for position in range(1, len(answers) + 1)]
    return sum(w for w, passed in zip(weights, answers, strict=True) if passed) / sum(weights)


def decide_effect(starts: Sequence[ColdStart], policy: Policy = POLICY) -> Verdict:
    """The engine's verdict on the warm-up: one pair of early scores for each cold start."""
    return decide(
        [
            Pair(
                *("warm-up", f"start {one.start}", 0),
                early_score(_read(one.cold)),
                early_score(_read(one.warm)),
            )
            for one in starts
        ],
        policy,
    )


def decide_position(starts: Sequence[ColdStart], policy: Policy = POLICY) -> Verdict:
    """Whether failures come first in the cold arm: each start against its own reversed order.

    Where positions do not matter and the plans' order is drawn again in each start, both are
    equally distributed, so the sign-flip test is exact.
    """
    pairs = []
    for one in starts:
        answers = _read(one.cold)
        scores = early_score(answers), early_score(answers[::-1])
        pairs.append(Pair("position", f"start {one.start}", 0, *scores))
    return decide(pairs, policy)


def validate_warm_up(
    model: str, suite: str, starts: Sequence[ColdStart], policy: Policy = POLICY
) -> WarmUpValidation:
    """All figures of a warm-up test. It becomes the default only where `outcome` is YES."""
    effect, position = decide_effect(starts, policy), decide_position(starts, policy)
    cold = [passed for one in starts for passed in _read(one.cold)]
    warm = [passed for one in starts for passed in _read(one.warm)]
    before, after = sum(cold) / max(len(cold), 1), sum(warm) / max(len(warm), 1)
    return WarmUpValidation(
        model=model,
        suite=suite,
        before=before,
        after=after,
        improvement=after - before,
        outcome=effect.outcome,
        reason=effect.reasons[0].text if effect.reasons else "",
        p_value=effect.p_value,
        position_p_value=position.p_value,
        answers_p_value=fisher_greater(
            (sum(warm), len(warm) - sum(warm)), (sum(cold), len(cold) - sum(cold))
        ),
        starts=len(starts),
        starts_needed=starts_needed(starts, policy.alpha),
        patterns={
            "before": tuple(one.cold for one in starts),
            "after": tuple(one.warm for one in starts),
        },
        variance={
            "before": _variance([one.cold for one in starts]),
            "after": _variance([one.warm for one in starts]),
        },
    )


def starts_needed(starts: Sequence[ColdStart], alpha: float) -> int | None:
    """Cold starts at which the sign-flip test would show a mean effect of this size.

    By the normal approximation of the starts' differences at 80 % power, and never fewer than the
    exact test can show anything with. None where the warm-up did not help.
    """
    values = [early_score(_read(o.warm)) - early_score(_read(o.cold)) for o in starts]
    mean = sum(values) / len(values) if values else 0.0
    if mean <= 0:
        return None
    fewest = ceil(log2(1 / alpha))
    deviation = sqrt(pvariance(values))
    return max(fewest, ceil(((1.645 + 0.842) * deviation / mean) ** 2))


def render_validation(found: WarmUpValidation) -> str:
    """The test as a person reads it."""
    p_value = "none" if found.p_value is None else f"{found.p_value:.3g}"
    position = "none" if found.position_p_value is None else f"{found.position_p_value:.3g}"
    needed = (
        "it did not help, so no number of starts is expected to show that it does"
        if found.starts_needed is None
        else f"about {found.starts_needed} cold starts would settle an effect of this size"
    )
    cold, warm = (" ".join(f"[{p}]" for p in found.patterns[k]) for k in ("before", "after"))
    return "\n".join(
        [
            f"Warm-up of {found.model} on {found.suite}: {found.outcome.value}",
            f"  {found.reason}",
            f"  accuracy {found.before:.1%} -> {found.after:.1%} over {found.starts} cold starts"
            f" in each arm; p = {p_value}; failures come first: p = {position}",
            f"  {needed}",
            f"  without {cold}",
            f"  with    {warm}",
        ]
    )


def _read(pattern: str) -> list[bool]:
    return [mark == "P" for mark in pattern]


def _variance(patterns: Sequence[str]) -> float:
    """Of the starts' accuracies."""
    means = [p.count("P") / len(p) for p in patterns if p]
    return pvariance(means) if means else 0.0
