"""Feedback over the recent benchmarks: accuracies, hot failures, and what to do about them."""

from collections.abc import Mapping, Sequence

from prompt_lab.benchmark.choose_model import choose_fallback
from prompt_lab.benchmark.feedback_records import (
    HarnessFeedback,
    HotFailure,
    PhaseAccuracy,
    Recommendation,
)
from prompt_lab.benchmark.harness_config import HarnessConfig
from prompt_lab.benchmark.interval import clustered_interval
from prompt_lab.benchmark.policy_gates import GateDecision, decide_gate
from prompt_lab.benchmark.records import BenchmarkResults, ModelPhaseResult

HOT = 2
"""A plan fails in at least so many repeats, and in more than half of them, to be a hot failure."""
Answers = dict[str, list[bool]]


def build_feedback(
    history: Sequence[BenchmarkResults],
    config: HarnessConfig,
    prices: Mapping[str, float],
    *,
    now: str,
) -> HarnessFeedback:
    """What the last benchmarks say; INVALID rows count nowhere. `prices` are dollars per call."""
    kept = [one for one in history if one.purpose == "benchmark"]
    recent = kept[-config.gates.recent_runs :]
    keys = sorted({row.key for one in recent for row in one.models if _counts(row)})
    answers = {key: pool_answers(recent, key) for key in keys}
    accuracy = {key: _accuracy(answers[key], _runs(recent, key)) for key in keys}
    decisions = {key: _gate(recent, key, config) for key in keys}
    recommendations = []
    for key in keys:
        model, _, phase = key.partition("::")
        decision = decisions[key]
        if decision is None:
            continue
        blocked = {k.partition("::")[0] for k, d in decisions.items() if d and not d.allow}
        rivals = {
            k.partition("::")[0]: answers[k]
            for k in keys
            if k.endswith(f"::{phase}") and k.partition("::")[0] not in {*blocked, model}
        }
        chosen = choose_fallback(rivals, prices, configured=config.routing.fallbacks.get(model, ()))
        recommendations.append(_recommendation(model, phase, decision, chosen, _runs(recent, key)))
    return HarnessFeedback(
        generated_at=now,
        recent_runs=tuple(f"benchmarks/{one.number}_{one.suite}" for one in recent),
        model_phase_accuracy=accuracy,
        hot_failures=tuple(_hot_failures(recent)),
        recommendations=tuple(recommendations),
    )


def pool_answers(recent: Sequence[BenchmarkResults], key: str) -> Answers:
    """suite/plan -> passes over all valid benchmarks of a model::phase, oldest first."""
    found: Answers = {}
    for one in recent:
        for row in one.models:
            if row.key == key and _counts(row):
                for plan in row.plans:
                    passes = [mark == "P" for mark in plan.pattern]
                    found.setdefault(f"{one.suite}/{plan.plan}", []).extend(passes)
    return found


def _counts(row: ModelPhaseResult) -> bool:
    return row.validity == "VALID" and row.total > 0


def _runs(recent: Sequence[BenchmarkResults], key: str) -> tuple[str, ...]:
    return tuple(
        f"benchmarks/{one.number}_{one.suite}"
        for one in recent
        if any(row.key == key and _counts(row) for row in one.models)
    )


def _accuracy(answers: Answers, runs: tuple[str, ...]) -> PhaseAccuracy:
    interval = clustered_interval(list(answers.values()))
    return PhaseAccuracy(
        passed=sum(map(sum, answers.values())),
        total=sum(map(len, answers.values())),
        accuracy=interval.accuracy if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        runs=runs,
    )


def _gate(
    recent: Sequence[BenchmarkResults], key: str, config: HarnessConfig
) -> GateDecision | None:
    """Over all recent benchmarks; a model whose newest one is above the gate is readmitted."""
    phase = key.partition("::")[2]
    pooled = decide_gate(pool_answers(recent, key), phase, config.gates)
    with_key = [one for one in recent if any(r.key == key and _counts(r) for r in one.models)]
    newest = decide_gate(pool_answers(with_key[-1:], key), phase, config.gates)
    if pooled is None or newest is None or pooled.allow:
        return pooled
    least = config.gates.min_accuracy.get(phase, config.gates.extended_phase_min_accuracy)
    if newest.allow and not newest.provisional and newest.interval.accuracy >= least:
        return newest._replace(reason=f"readmitted by the newest benchmark: {newest.reason}")
    return pooled


def _recommendation(
    model: str,
    phase: str,
    decision: GateDecision,
    fallback: tuple[str, str],
    runs: tuple[str, ...],
) -> Recommendation:
    name, why = ("", "") if decision.allow else fallback
    action = "allow" if decision.allow else (f"route to {name}" if name else "block")
    needs = () if decision.allow or name else ("a model that passes this phase",)
    return Recommendation(
        type="routing",
        model=model,
        phase=phase,
        target=f"{model}::{phase}",
        action=action,
        reason=f"{decision.reason}; {why}" if why else decision.reason,
        allow=decision.allow,
        fallback=name,
        requirements=needs,
        provisional=decision.provisional,
        runs=runs,
    )


def _hot_failures(recent: Sequence[BenchmarkResults]) -> list[HotFailure]:
    failed: dict[str, list[str]] = {}
    asked: dict[str, int] = {}
    for one in recent:
        for row in one.models:
            for plan in row.plans if _counts(row) else ():
                key = f"{row.key}::{plan.plan}"
                asked[key] = asked.get(key, 0) + len(plan.pattern)
                bad = [r for r, m in zip(plan.runs, plan.pattern, strict=True) if m == "F"]
                failed.setdefault(key, []).extend(bad)
    found = [
        HotFailure(key=key, count=len(runs), runs=tuple(runs))
        for key, runs in failed.items()
        if len(runs) >= HOT and 2 * len(runs) > asked[key]
    ]
    return sorted(found, key=lambda one: (-one.count, one.key))
