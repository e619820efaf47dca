"""Feedback over the recent benchmarks: accuracies, hot failures, and what to do about them."""

from collections.abc import Mapping, Sequence

from prompt_lab.benchmark.choose_model import MARGIN, choose_cheapest, choose_fallback
from prompt_lab.benchmark.feedback_records import (
    HarnessFeedback,
    HotFailure,
    PhaseAccuracy,
    Recommendation,
)
from prompt_lab.benchmark.harness_config import HarnessConfig
from prompt_lab.benchmark.interval import clustered_interval
from prompt_lab.benchmark.policy_gates import GateDecision
from prompt_lab.benchmark.pooled_answers import (
    Answers,
    counts,
    measured_price,
    pool_answers,
    run_folders,
    split_recent,
    with_row,
)
from prompt_lab.benchmark.readmission import decide_recent
from prompt_lab.benchmark.records import BenchmarkResults

HOT = 2
"""A plan fails in at least so many repeats, and in more than half of them, to be a hot failure."""


def build_feedback(
    history: Sequence[BenchmarkResults],
    config: HarnessConfig,
    prices: Mapping[str, float],
    *,
    now: str,
) -> HarnessFeedback:
    """What the last benchmarks say; INVALID rows count nowhere.

    `prices` are list prices in dollars per call; where answers were paid for, their cost counts.
    """
    recent, left_out = split_recent(history, config.gates.recent_runs)
    keys = sorted({row.key for one in recent for row in one.models if counts(row)})
    writer = _Recommendations(recent, keys, config, prices)
    return HarnessFeedback(
        generated_at=now,
        recent_runs=tuple(one.path for one in recent),
        left_out=left_out,
        model_phase_accuracy={key: _accuracy(recent, key) for key in keys},
        hot_failures=tuple(_hot_failures(recent)),
        recommendations=tuple(one for key in keys for one in writer.write(key)),
    )


class _Recommendations:
    """Writes the recommendations of one model::phase after the other."""

    def __init__(
        self,
        recent: Sequence[BenchmarkResults],
        keys: Sequence[str],
        config: HarnessConfig,
        prices: Mapping[str, float],
    ) -> None:
        self._recent, self._keys, self._config, self._list_prices = recent, keys, config, prices
        self._decisions = {key: decide_recent(recent, key, config.gates) for key in keys}
        self._answers = {key: pool_answers(recent, key) for key in keys}

    def write(self, key: str) -> list[Recommendation]:
        """By the gate, else the cheaper model; then by a warm-up test."""
        found, decision = [], self._decisions[key]
        if decision is not None:
            found.append(self._by_gate(key, decision))
        if decision is None or decision.allow:
            found += self._by_price(key, decision)
        if key.partition("::")[0] in self._config.warm_up.models:
            reason = "a test on cold starts said YES to its warm-up"
            found.append(self._about(key, "warm_up", "warm up", reason))
        return found

    def _by_gate(self, key: str, decision: GateDecision) -> Recommendation:
        model, _, phase = key.partition("::")
        configured = self._config.routing.fallbacks.get(model, ())
        rivals, prices = self._rivals(phase, without=model), self._prices(phase)
        name, why = "", ""
        if not decision.allow:
            name, why = choose_fallback(rivals, prices, configured=configured)
        action = "allow" if decision.allow else (f"route to {name}" if name else "block")
        needs = () if decision.allow or name else ("a model that passes this phase",)
        return self._about(
            key,
            "routing",
            action,
            f"{decision.reason}; {why}" if why else decision.reason,
            allow=decision.allow,
            fallback=name,
            requirements=needs,
            provisional=decision.provisional,
        )

    def _by_price(self, key: str, decision: GateDecision | None) -> list[Recommendation]:
        """A cheaper model that is shown to be no worse; a rule only where the switch is on."""
        model, _, phase = key.partition("::")
        models = self._rivals(phase, without="") | {model: self._answers[key]}
        cheapest = choose_cheapest(model, models, self._prices(phase))
        if cheapest is None:
            return []
        reason = f"{cheapest} is cheaper and shown to lose less than {MARGIN:.0%} to {model}"
        is_rule = self._config.routing.prefer_cheaper
        return [
            self._about(
                key,
                "price" if is_rule else "cheaper",
                f"route to {cheapest}" if is_rule else f"consider {cheapest}",
                reason,
                allow=not is_rule,
                fallback=cheapest,
                provisional=decision is not None and decision.provisional,
            )
        ]

    def _rivals(self, phase: str, *, without: str) -> dict[str, Answers]:
        """Models measured on a phase that its gate does not block."""
        found = {}
        for key in self._keys:
            model, _, its_phase = key.partition("::")
            decision = self._decisions[key]
            blocked = decision is not None and not decision.allow
            if its_phase == phase and model != without and not blocked:
                found[model] = self._answers[key]
        return found

    def _prices(self, phase: str) -> dict[str, float]:
        found = dict(self._list_prices)
        for key in self._keys:
            model, _, its_phase = key.partition("::")
            paid = measured_price(self._recent, key) if its_phase == phase else None
            if paid is not None:
                found[model] = paid
        return found

    def _about(
        self,
        key: str,
        kind: str,
        action: str,
        reason: str,
        *,
        allow: bool = True,
        fallback: str = "",
        requirements: tuple[str, ...] = (),
        provisional: bool = False,
    ) -> Recommendation:
        model, _, phase = key.partition("::")
        return Recommendation(
            type=kind,
            model=model,
            phase=phase,
            target=key,
            action=action,
            reason=reason,
            allow=allow,
            fallback=fallback,
            requirements=requirements,
            provisional=provisional,
            runs=run_folders(self._recent, key),
            benchmarks=tuple(one.path for one in with_row(self._recent, key)),
        )


def _accuracy(recent: Sequence[BenchmarkResults], key: str) -> PhaseAccuracy:
    answers = pool_answers(recent, key)
    interval = clustered_interval(list(answers.values()))
    return PhaseAccuracy(
        passed=sum(map(sum, answers.values())),
        total=sum(map(len, answers.values())),
        accuracy=interval.accuracy if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        runs=run_folders(recent, key),
    )


def _hot_failures(recent: Sequence[BenchmarkResults]) -> list[HotFailure]:
    failed: dict[str, list[str]] = {}
    asked: dict[str, int] = {}
    for one in recent:
        for row in one.models:
            for plan in row.plans if counts(row) else ():
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
