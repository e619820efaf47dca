"""Run a cell: many worlds through the engine's looks, counted, beside the rules in common use."""

from collections.abc import Sequence
from math import log
from typing import NamedTuple
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import betaincinv

from prompt_lab.decide import anytime
from prompt_lab.decide.adjust import adjusted
from prompt_lab.decide.calibrate import rivals
from prompt_lab.decide.calibrate.cells import CalibrationCell
from prompt_lab.decide.calibrate.resampled import Resampled, resample
from prompt_lab.decide.calibrate.worlds import Draw, World, draw
from prompt_lab.decide.effect import claimed
from prompt_lab.decide.limits import deviation
from prompt_lab.decide.looks import Design, LookStop, design, run_looks
from prompt_lab.decide.notes import skewed
from prompt_lab.decide.pairs import Floats, plan_values
from prompt_lab.decide.policy import Policy

CHUNK = 500
SAMPLE = 300  # kept worlds whose claims are worked out


class Measured(BaseModel):
    """What a cell showed. Shares are of the worlds, with intervals of Clopper and Pearson."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    cell: str
    effect: float = Field(description="the true difference")
    worlds: int
    kept: int = Field(description="worlds that ended in 'better'")
    rate: float
    low: float = Field(description="95 % interval of the rate")
    high: float
    calls: float = Field(description="mean calls, as a share of all planned")
    claim: float | None = Field(description="mean claimed gain of the first kept worlds")
    naive: float | None = Field(description="mean estimate of the same worlds, uncorrected")
    warned: float | None = Field(description="share of those kept worlds with a warning of skew")
    rivals: dict[str, rivals.Rival]
    seed: int


class Kept(NamedTuple):
    """One world that was kept: the corrected gain, the plain one, whether it warns of skew."""

    claim: float
    naive: float
    warned: bool


def measure(cell: CalibrationCell, worlds: int, seed: int) -> Measured:
    """Draw the cell's worlds and judge each; the same name and seed give the same result."""
    rng = np.random.default_rng([seed, crc32(cell.world.name.encode())])
    plan, policy = design(cell.world.plans, cell.policy), cell.policy
    kept, plans, sample = 0, 0, list[Kept]()
    tallies = rivals.Tallies(cell.world, policy.alpha)
    for start in range(0, worlds, CHUNK):
        drawn = drawn_from(cell.world, min(CHUNK, worlds - start), rng)
        tallies.add(drawn.differences)
        for values in plan_rows(drawn, plan, policy):
            stop = walk(values, plan, policy)
            plans += stop.plans
            kept += stop.why == "better"
            if stop.why == "better" and len(sample) < SAMPLE:
                sample.append(_count_outcomes(values[: stop.plans], plan, policy))
    low, high = clopper_pearson(kept, worlds, 0.95)
    parts = [_mean(part) for part in zip(*sample, strict=True)] if sample else [None] * 3
    return Measured(
        cell=cell.world.name, effect=cell.world.effect, worlds=worlds, kept=kept,
        rate=kept / worlds, low=low, high=high, calls=plans / worlds / cell.world.plans,
        claim=parts[0], naive=parts[1], warned=parts[2], rivals=tallies.result(), seed=seed,
    )  # fmt: skip


def drawn_from(world: World | Resampled, count: int, rng: np.random.Generator) -> Draw:
    """So many worlds, by formula or of real scores."""
    if isinstance(world, Resampled):
        return resample(world, count, rng)
    return draw(world, count, rng)


def plan_rows(drawn: Draw, plan: Design, policy: Policy) -> Floats:
    """Plan values, one row per world, adjusted where the policy says so."""
    values = plan_values(drawn.differences)
    if policy.adjust == "none":
        return values
    known = drawn.difficulty - drawn.difficulty.mean(axis=1, keepdims=True)
    rows = zip(values, known, strict=True)
    return np.array([adjusted(row, centred, plan.counts) for row, centred in rows])


def walk(values: Floats, plan: Design, policy: Policy) -> LookStop:
    """The engine's looks over one world, in the policy's mode."""
    if policy.mode != "anytime":
        return run_looks(values, plan, policy)
    for look, count in enumerate(plan.counts, start=1):
        seen = values[:count][np.isfinite(values[:count])]
        if anytime.log_e_value(seen) >= -log(policy.alpha):
            return LookStop("better", look, count, 0.0, 1.0)
    return LookStop("end", len(plan.counts), plan.plans, 1.0, 1.0)


def clopper_pearson(hits: int, total: int, confidence: float) -> tuple[float, float]:
    """The exact interval of a share."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, total - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, total - hits, 1 - tail)) if hits < total else 1.0
    return low, high


def gain_of(values: Floats, plan: Design, policy: Policy) -> float:
    """The gain that a verdict on these kept plan values claims."""
    if policy.mode == "anytime":
        return max(0.0, anytime.confidence(values, policy.alpha).low)
    return claimed(float(values.mean()), deviation(values), plan, policy)


def _count_outcomes(values: Floats, plan: Design, policy: Policy) -> Kept:
    seen = values[np.isfinite(values)]
    return Kept(gain_of(seen, plan, policy), float(seen.mean()), skewed(seen) is not None)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
