"""The gate before a canary: reasons against a candidate, each with a code.

A pure function of what trial, challenge set, guard and feedback say. An empty set never passes.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from prompt_lab.names import Outcome
from prompt_lab.prompts.guard import Refusal


class GateCode(StrEnum):
    """Why a candidate stays in review."""

    NO_VERDICT = "no_verdict"
    NOT_YES = "not_yes"
    OTHER_TEXT = "other_text"
    EMPTY_SET = "empty_challenge_set"
    LOW_SUPPORT = "low_support"
    QUALITY = "quality_threshold"
    POLICY = "policy_violation"
    LATENCY = "latency_regression"
    FEEDBACK = "feedback_contradicts"
    LEAK = "leak"
    WORN = "worn_challenge_set"


class GateReason(NamedTuple):
    """One reason: its code, and what was found and helps, in words."""

    code: GateCode
    text: str


class GateMaterial(NamedTuple):
    """What the gate reads. Times are seconds of one call, None where none was measured.

    `score` is the candidate's mean on the train plans; `thumbs` are (up, down) of its text so far.
    `leak_share` is the share of its words that stand in sealed plans and not in the text before;
    `uses` counts the confirmations that the set was used for.
    """

    outcome: Outcome | None
    tested: str
    candidate: str
    sealed_plans: int
    refusals: tuple[Refusal, ...] = ()
    score: float | None = None
    seconds_before: float | None = None
    seconds_after: float | None = None
    thumbs: tuple[int, int] = (0, 0)
    leak_share: float = 0.0
    uses: int = 0


class GateLimits(NamedTuple):
    """Limits of the gate; shares and scores in [0, 1]."""

    least_plans: int
    least_score: float = 0.0
    slower: float = 0.25
    latency_budget_seconds: float = 5.0
    most_leak: float = 0.2
    most_uses: int = 20


def check_gate(material: GateMaterial, limits: GateLimits) -> tuple[GateReason, ...]:
    """Every reason against the candidate; () where it may go on live traffic."""
    return tuple(_reasons(material, limits))


def _reasons(material: GateMaterial, limits: GateLimits) -> Iterator[GateReason]:
    yield from _check_evidence(material, limits)
    for refusal in material.refusals:
        yield GateReason(GateCode.POLICY, f"{refusal.code.value}: {refusal.text}")
    if material.score is not None and material.score < limits.least_score:
        yield GateReason(
            GateCode.QUALITY,
            f"it scores {material.score:.2f}; the threshold is {limits.least_score:.2f}",
        )
    yield from _check_latency(material, limits)
    up, down = material.thumbs
    if down > up and down + up >= limits.least_plans:
        yield GateReason(GateCode.FEEDBACK, f"{down} thumbs down and {up} up for this very text")
    if material.leak_share > limits.most_leak:
        yield GateReason(
            GateCode.LEAK, f"{material.leak_share:.0%} of its new words stand in sealed plans"
        )
    if material.uses > limits.most_uses:
        yield GateReason(
            GateCode.WORN,
            f"its challenge set has confirmed {material.uses} candidates, at most"
            f" {limits.most_uses}: rotate it (prompt-lab promptops rotate)",
        )


def _check_evidence(material: GateMaterial, limits: GateLimits) -> Iterator[GateReason]:
    if not material.sealed_plans:
        yield GateReason(
            GateCode.EMPTY_SET, "its challenge set has no sealed plan: collect outcomes first"
        )
    elif material.sealed_plans < limits.least_plans:
        yield GateReason(
            GateCode.LOW_SUPPORT,
            f"{material.sealed_plans} sealed plans; it takes {limits.least_plans}",
        )
    if material.outcome is None:
        yield GateReason(GateCode.NO_VERDICT, "no trial of it has a verdict")
    elif material.outcome is not Outcome.YES:
        yield GateReason(GateCode.NOT_YES, f"its trial ended {material.outcome.value}")
    elif material.tested != material.candidate:
        yield GateReason(GateCode.OTHER_TEXT, "the YES is for another text")


def _check_latency(material: GateMaterial, limits: GateLimits) -> Iterator[GateReason]:
    before, after = material.seconds_before, material.seconds_after
    if before is None or after is None:
        return
    if after > limits.latency_budget_seconds and after > before * (1 + limits.slower):
        yield GateReason(
            GateCode.LATENCY,
            f"a call takes {after:.1f} s after {before:.1f} s, and the budget is"
            f" {limits.latency_budget_seconds:.1f} s",
        )
