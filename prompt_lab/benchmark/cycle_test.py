"""The one valid test of a cycle: the winner of the selection against the baseline."""

from collections.abc import Mapping, Sequence
from math import ceil, log2

from prompt_lab.benchmark.candidates import HarnessCandidate
from prompt_lab.benchmark.cold_starts import POLICY, ColdStart, decide_effect
from prompt_lab.benchmark.cycle_records import CycleResults
from prompt_lab.benchmark.policies import better_policy
from prompt_lab.benchmark.records import STARTS, BenchmarkResults, ModelPhaseResult, PlanResult
from prompt_lab.benchmark.validity import suite_changed
from prompt_lab.benchmark.warm_up_trial import WarmUpTrial
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
from prompt_lab.experiments.context import LabContext

PAIRS, COLD_STARTS = "pairs of plans", "cold starts"
"""What a cycle's test compares."""

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


def conclude_pairs(found: CycleResults, tested: BenchmarkResults, winner: str) -> CycleResults:
    """The cycle with the verdict on fresh answers of its baseline and the selection's winner."""
    rows = {row.model: row for row in tested.models}
    update: dict[str, object] = {"winner": winner, "test": PAIRS}
    if found.ran in rows and winner in rows:
        alpha = cycle_alpha(found.cycle)
        verdict = decide_candidate(rows[found.ran], rows[winner], alpha)
        update |= _figures(verdict, alpha) | {
            "tested_baseline": rows[found.ran].accuracy,
            "tested_winner": rows[winner].accuracy,
        }
    else:
        update["reason"] = "one side did not run, so nothing was tested"
    return found.model_copy(update=update)


def conclude_warm_up(
    ctx: LabContext, found: CycleResults, candidate: HarnessCandidate, *, plans: Sequence[str]
) -> CycleResults:
    """The cycle with the verdict on a warm-up: cold starts with and without, at the cycle's level.

    As many starts as the level takes: an exact test of n starts has no p-value below 2 ** -n.
    """
    alpha = cycle_alpha(found.cycle)
    trial = WarmUpTrial(ctx, found.baseline.suite, found.ran)
    trial.plans = tuple(plans)
    validation = trial.run(max(STARTS, ceil(log2(1 / alpha)) + 2), seed=found.cycle)
    cold, warm = validation.patterns["before"], validation.patterns["after"]
    starts = [
        ColdStart(start=number, cold=one, warm=other)
        for number, (one, other) in enumerate(zip(cold, warm, strict=True))
    ]
    verdict = decide_effect(starts, POLICY.model_copy(update={"alpha": alpha}))
    update = _figures(verdict, alpha) | {
        "winner": candidate.alias_for(found.ran),
        "test": COLD_STARTS,
        "tested_baseline": validation.before,
        "tested_winner": validation.after,
    }
    return found.model_copy(update=update)


def _figures(verdict: Verdict, alpha: float) -> dict[str, object]:
    return {
        "outcome": verdict.outcome.value,
        "reason": verdict.reasons[0].text if verdict.reasons else "",
        "p_value": verdict.p_value,
        "effect": verdict.effect,
        "low": verdict.interval.low if verdict.interval else None,
        "high": verdict.interval.high if verdict.interval else None,
        "alpha": alpha,
    }
