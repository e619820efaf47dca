"""Candidates, and how seldom a useless one becomes the baseline."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from prompt_lab.benchmark.candidates import apply_candidate, propose_candidates
from prompt_lab.benchmark.cycle_records import CycleBaseline, CycleResults, MetaLoopHistory
from prompt_lab.benchmark.cycle_test import compare_benchmarks, cycle_alpha, decide_candidate
from prompt_lab.benchmark.records import ModelPhaseResult, PlanResult
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Outcome
from tests.prompt_lab.benchmark.rows import benchmark, summarize

MODEL = ModelConfig(alias="m", provider="embedded", id="id", deterministic=True)
LOOPS = 200
Passes = NDArray[np.bool_]


def test_each_candidate_changes_one_setting() -> None:
    found = propose_candidates(MODEL, ["other", "m"], warm_up_on=False)
    assert {one.kind for one in found} == {
        *("temperature", "max_tokens", "timeout", "warm_up", "model")
    }
    assert "model=m" not in {one.name for one in found}
    hot = apply_candidate(MODEL, next(one for one in found if one.name == "temperature=0.7"))
    assert (hot.alias, hot.settings.temperature, hot.deterministic) == (
        *("m+temperature=0.7", 0.7, False),
    )


def answered(passes: list[bool]) -> ModelPhaseResult:
    plans = (
        PlanResult(plan=f"p{n:02d}", pattern="P" if one else "F", runs=("",))
        for n, one in enumerate(passes)
    )
    total = len(passes)
    return ModelPhaseResult(
        model="m", phase="extended", total=total, valid_answers=total, plans=tuple(plans)
    )


@cache
def mcnemar_p_value(won: int, lost: int) -> float:
    return float(binomtest(won, won + lost, 0.5, "greater").pvalue) if won + lost else 1.0


def is_adopted(baseline: Passes, candidate: Passes, alpha: float) -> bool:
    """By McNemar's exact test, an independent computation; the engine is held against it."""
    won, lost = int((candidate & ~baseline).sum()), int((baseline & ~candidate).sum())
    p_value = mcnemar_p_value(won, lost)
    if p_value <= 1.5 * alpha:
        rows = [answered(side.tolist()) for side in (baseline, candidate)]
        verdict = decide_candidate(rows[0], rows[1], alpha)
        assert verdict.p_value == pytest.approx(p_value)
        assert (verdict.outcome is Outcome.YES) == (p_value <= alpha)
    return bool(p_value <= alpha)


def test_useless_candidates_over_50_cycles_seldom_change_the_baseline() -> None:
    """Answers of 20 plans drawn again on both sides; the winner of a selection is tested once."""
    rng, changed = np.random.default_rng(31), 0
    levels = [cycle_alpha(n) for n in range(1, 51)]
    for _ in range(LOOPS):
        plans = rng.beta(2, 2, 20)
        sides = rng.random((len(levels), 2, 20)) < plans
        changed += any(
            is_adopted(both[0], both[1], alpha) for both, alpha in zip(sides, levels, strict=True)
        )
    assert binomtest(changed, LOOPS).proportion_ci().low <= 0.05
    assert sum(levels) <= 0.05


def test_a_better_candidate_is_adopted() -> None:
    bad, good = (summarize({f"p{n}": mark for n in range(20)}) for mark in "FP")
    assert decide_candidate(bad, good, cycle_alpha(1)).outcome is Outcome.YES


def test_a_changed_suite_or_an_invalid_side_voids_the_test() -> None:
    bad, good = (summarize({f"p{n}": mark for n in range(20)}) for mark in "FP")
    verdict = compare_benchmarks(benchmark(1, bad), benchmark(2, good, sha="other"))
    assert verdict.outcome is Outcome.INVALID
    void = good.model_copy(update={"reasons": ("below chance",)})
    assert decide_candidate(bad, void, 0.05).outcome is Outcome.INVALID


def test_a_cycle_that_measured_nothing_is_read_back_as_a_cycle() -> None:
    baseline = CycleBaseline(model="m", suite="s", phase="extended")
    cycles = [
        CycleResults(cycle=1, generated_at="", baseline=baseline, outcome="INVALID"),
        CycleResults(cycle=2, generated_at="", baseline=baseline, effect=0.0, winner="w"),
    ]
    text = MetaLoopHistory(cycles=tuple(cycles)).model_dump_json()
    assert MetaLoopHistory.model_validate_json(text).cycles == tuple(cycles)
    older = MetaLoopHistory.model_validate([{"cycle": "one", "note": "of an older version"}])
    assert older.cycles == ({"cycle": "one", "note": "of an older version"},)
