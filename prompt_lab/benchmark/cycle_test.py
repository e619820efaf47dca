"""The one valid test of a cycle: the winner of the selection against the baseline."""

from collections.abc import Mapping, Sequence

from prompt_lab.benchmark.policies import better_policy
from prompt_lab.benchmark.records import BenchmarkResults, ModelPhaseResult, PlanResult
from prompt_lab.benchmark.validity import suite_changed
from prompt_lab.decide.verdict import (
    Code,
    Evidence,
    Pair,
    Policy,
    Reason,
    Validity,
    Verdict,
    decide,
)

BUDGET = 0.05
"""The chance of any false change of the baseline over all cycles of a lab."""


def cycle_alpha(cycle: int, budget: float = BUDGET) -> float:
    """The level of the n-th cycle, from 1: budget * 6 / (pi * n)**2, which sums to the budget.

    >>> round(cycle_alpha(1), 4), round(sum(cycle_alpha(n) for n in range(1, 10_000)), 4)
    (0.0304, 0.05)
    """
    return float(budget * 6 / (3.141592653589793 * cycle) ** 2)


def cycle_policy(alpha: float) -> Policy:
    """One look at all plans, at the level that the cycle is granted."""
    return better_policy("meta_loop", alpha, validity_margin=0.0)


def decide_candidate(
    baseline: BenchmarkResults | ModelPhaseResult,
    candidate: ModelPhaseResult,
    alpha: float,
    *,
    changed: str | None = None,
) -> Verdict:
    """The verdict on fresh answers of both sides; INVALID rows or a changed suite void it."""
    row = baseline if isinstance(baseline, ModelPhaseResult) else baseline.models[0]
    faults = [*(["baseline: " + r for r in row.reasons]), *candidate.reasons]
    faults += [changed] if changed else []
    provenance = tuple(Reason(code=Code.OTHER, text=text) for text in faults)
    validity = Validity(
        baseline_valid=row.valid_answers,
        baseline_total=row.total,
        candidate_valid=candidate.valid_answers,
        candidate_total=candidate.total,
    )
    evidence = Evidence(provenance=provenance, validity=validity)
    return decide(pair_plans(row, candidate), cycle_policy(alpha), evidence)


def pair_plans(baseline: ModelPhaseResult, candidate: ModelPhaseResult) -> list[Pair]:
    """One pair for each plan and repeat that both sides have."""
    marks = _marks(candidate.plans)
    return [
        Pair("harness", plan, repeat, float(mark == "P"), float(marks[plan, repeat] == "P"))
        for (plan, repeat), mark in _marks(baseline.plans).items()
        if (plan, repeat) in marks
    ]


def _marks(plans: Sequence[PlanResult]) -> Mapping[tuple[str, int], str]:
    return {(plan.plan, repeat): mark for plan in plans for repeat, mark in enumerate(plan.pattern)}


def compare_benchmarks(
    baseline: BenchmarkResults, candidate: BenchmarkResults, alpha: float = 0.05
) -> Verdict:
    """The verdict on two benchmarks of one suite, each of its first model."""
    changed = suite_changed(baseline, candidate)
    return decide_candidate(baseline.models[0], candidate.models[0], alpha, changed=changed)
