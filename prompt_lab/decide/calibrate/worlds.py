"""Worlds whose truth is known: scores of both sides, drawn so that no change means symmetry."""

from functools import cache
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit, ndtri

from prompt_lab.decide.pairs import Floats

NOISE = 0.15  # standard deviation of a graded score about its plan's mean


class World(BaseModel):
    """How scores come about. Points are shares of 1; the unit of everything random is the plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["binary", "graded"] = Field(default="binary", description="0/1 or graded scores")
    plans: int = 200
    models: int = 1
    replicates: int = 1
    base: float = Field(default=0.6, description="mean score of the baseline")
    effect: float = Field(default=0.0, description="true difference of the means")
    difficulty: float = Field(default=1.0, description="spread of the plans, on the logit scale")
    alike: float = Field(default=0.0, description="correlation of a side's noise within a plan")
    reaction: float = Field(default=0.0, description="spread of the plans' own true differences")
    skewed: Literal[-1, 0, 1] = Field(
        default=0, description="1: few plans gain much, -1: few lose much; in the mean nothing"
    )
    missing: float = Field(default=0.0, description="share of pairs that lack a side")
    drift: float = Field(default=0.0, description="change of both sides from first to last plan")
    old_runs: int = Field(default=1, description="the baseline is the mean of so many runs")


class Draw(BaseModel):
    """Paired differences, shape (world, plan, model, replicate), NaN where missing; known means."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    differences: Floats
    difficulty: Floats


def draw(world: World, count: int, rng: np.random.Generator) -> Draw:
    """So many independent worlds of this kind."""
    logits = rng.normal(size=(count, world.plans)) * world.difficulty
    old_mean, new_mean = means(world, logits, rng)
    old = np.mean([scores(world, old_mean, rng) for _ in range(world.old_runs)], axis=0)
    differences = scores(world, new_mean, rng) - old
    differences[rng.random(differences.shape) < world.missing] = np.nan
    return Draw(differences=differences, difficulty=expit(_intercept(world.base, world) + logits))


def means(world: World, logits: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """True mean scores of both sides per plan. With effect 0 the sides are exchangeable."""
    old, new = (expit(_intercept(world.base + lift, world) + logits) for lift in (0, world.effect))
    slope = world.drift * (np.arange(world.plans) / max(world.plans - 1, 1) - 0.5)
    noise = rng.normal(size=old.shape)
    if world.skewed:
        noise = world.skewed * (rng.exponential(size=old.shape) - 1.0)
    half = world.reaction * noise / 2
    if world.skewed:  # kept off the ends of the scale, which would shift the mean
        return np.full_like(old, 0.5) - half, np.full_like(old, 0.5) + half
    return np.clip(old + slope - half, 0, 1), np.clip(new + slope + half, 0, 1)


def scores(world: World, mean: Floats, rng: np.random.Generator) -> Floats:
    """One side's scores, shape (world, plan, model, replicate)."""
    shape = (*mean.shape, world.models, world.replicates)
    noise = rng.normal(size=shape) * np.sqrt(1 - world.alike)
    if world.alike:
        noise += rng.normal(size=(*mean.shape, 1, 1)) * np.sqrt(world.alike)
    if world.kind == "binary":
        return np.asarray(noise < ndtri(mean)[..., None, None]).astype(float)
    raw = mean[..., None, None] + NOISE * noise
    return np.asarray(raw if world.skewed else np.clip(raw, 0, 1))


def _intercept(mean: float, world: World) -> float:
    return intercept(round(mean, 6), world.difficulty)


@cache
def intercept(mean: float, spread: float) -> float:
    """The logit at which plans of this spread have this mean chance."""
    points, weights = np.polynomial.hermite_e.hermegauss(61)

    low, high = -12.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = float((weights * expit(middle + spread * points)).sum() / weights.sum())
        low, high = (middle, high) if chance < mean else (low, middle)
    return low
