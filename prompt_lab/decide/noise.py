"""The noise floor: how far a baseline differs from itself, and what that lets a trial see."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.limits import deviation
from prompt_lab.decide.pairs import Pair, nan_mean, tabulate


class Score(NamedTuple):
    """One run of the baseline: its score in [0, 1], None where it is missing."""

    model: str
    plan: str
    replicate: int
    score: float | None


class _NoiseModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_NoiseModel):
    """One model on one plan, run again and again."""

    model: str
    plan: str
    runs: int
    mean: float
    deviation: float = Field(description="standard deviation of the repeated runs; 0 for one run")
    pattern: str = Field(description="a letter per run: P passed, F failed, - missing")
    flaky: bool = Field(description="some runs passed and some failed")


class NoiseFloorEstimate(_NoiseModel):
    """Baseline against itself."""

    spreads: tuple[Spread, ...]
    flaky: int = Field(description="how many of the spreads are flaky")
    run_deviation: float = Field(description="of repeated runs, pooled over models and plans")
    plan_deviation: float = Field(
        description="standard deviation of the plan values of a trial with one replicate"
    )
    models: int
    plans: int


def noise_floor(scores: Iterable[Score], passed: float = 0.5) -> NoiseFloorEstimate:
    """Spread per model and plan, and of the plan values that a trial of these models would see.

    A run passed if it scored at least `passed`. The spread of the plan values is measured by
    pairing replicates of the baseline with each other; it holds no reaction of the plans to a
    change, so a trial's own spread can only be larger.
    """
    rows = sorted(scores, key=lambda s: s[:3])
    groups: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for row in rows:
        groups[row.model, row.plan].append(row.score)
    spreads = tuple(_spread(*key, runs, passed) for key, runs in sorted(groups.items()))
    free = sum(max(s.runs - 1, 0) for s in spreads)
    pooled = sum(s.deviation**2 * (s.runs - 1) for s in spreads if s.runs > 1)
    return NoiseFloorEstimate(
        spreads=spreads,
        flaky=sum(s.flaky for s in spreads),
        run_deviation=sqrt(pooled / free) if free else 0.0,
        plan_deviation=_plan_deviation(rows),
        models=len({s.model for s in spreads}),
        plans=len({s.plan for s in spreads}),
    )


def _spread(model: str, plan: str, runs: Sequence[float | None], passed: float) -> Spread:
    there = np.array([score for score in runs if score is not None])
    letters = ["-" if s is None else "P" if s >= passed else "F" for s in runs]
    return Spread(
        model=model,
        plan=plan,
        runs=len(there),
        mean=float(there.mean()) if len(there) else 0.0,
        deviation=deviation(there),
        pattern="".join(letters),
        flaky="P" in letters and "F" in letters,
    )


def _plan_deviation(rows: Sequence[Score]) -> float:
    """Root mean square of the plan values between neighbouring replicates of the baseline."""
    by_cell = {row[:3]: row.score for row in rows}
    squares: list[float] = []
    for replicate in sorted({row.replicate for row in rows}):
        pairs = [
            Pair(row.model, row.plan, 0, row.score, by_cell[row.model, row.plan, replicate + 1])
            for row in rows
            if row.replicate == replicate and (row.model, row.plan, replicate + 1) in by_cell
        ]
        means = nan_mean(tabulate(pairs).by_model, 1) if pairs else np.zeros(0)
        squares += list(means[np.isfinite(means)] ** 2)
    return sqrt(sum(squares) / len(squares)) if squares else 0.0
