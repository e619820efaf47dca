"""Simulated labs whose truth is known: what the dry run's chances and the calibration draw from.

The unit of everything random is the plan. 0/1 scores have a success rate per plan whose logit is
normal; graded scores have a mean per plan and noise about it.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtri

from prompt_lab.decide.pairs import Floats

PLANS_SD = 1.0  # of the plans' success rates, on the logit scale
REACTION = 0.17  # each plan's own effect lies uniformly within this of the mean effect
NOISE = 0.15  # standard deviation of a graded score about its plan's mean
LOW, SPAN = 0.2, 0.6  # a graded plan's mean is LOW + SPAN * its success rate
SIDES = {True: 0.6, False: 0.3}  # correlation of the two sides' noise on one plan: 0/1, graded
MODELS = 0.4  # correlation of the models' noise on one plan


class SimulatedLab(NamedTuple):
    """How scores come about. Rates and effects are shares of 1."""

    binary: bool = True
    base: float = 0.6  # mean success rate of the baseline
    models: int = 1
    models_alike: float = MODELS


class SimulatedScores(NamedTuple):
    """Both sides' scores, shape (world, plan, model, replicate)."""

    baseline: Floats
    candidate: Floats

    @property
    def differences(self) -> Floats:
        """Candidate minus baseline."""
        return self.candidate - self.baseline

    @property
    def values(self) -> Floats:
        """Mean difference of each plan, shape (world, plan)."""
        return np.asarray(self.differences.mean(axis=(2, 3)))

    @property
    def losses(self) -> Floats:
        """What each plan could lose: the baseline's mean score, shape (world, plan)."""
        return np.asarray(self.baseline.mean(axis=(2, 3)))


def draw_scores(
    lab: SimulatedLab,
    effect: float | Floats,
    worlds: int,
    plans: int,
    replicates: int,
    rng: np.random.Generator,
) -> SimulatedScores:
    """Scores of both sides in so many worlds. `effect` is the mean gain, one or one per world.

    With an effect of 0 the two sides are exchangeable.
    """
    logits = rng.normal(size=(worlds, plans)) * PLANS_SD
    gains = np.broadcast_to(np.asarray(effect, dtype=float), (worlds,))
    half = rng.uniform(-REACTION, REACTION, size=(worlds, plans)) / 2
    old, new = side_means(lab, logits, gains)
    low, high = (0.0, 1.0)
    old, new = np.clip(old - half, low, high), np.clip(new + half, low, high)
    noise = draw_noise(lab, worlds, plans, replicates, rng)
    if lab.binary:
        sides = [
            (part < ndtri(mean)[..., None, None]).astype(float)
            for part, mean in zip(noise, (old, new), strict=True)
        ]
    else:
        sides = [
            np.clip(mean[..., None, None] + NOISE * part, 0.0, 1.0)
            for part, mean in zip(noise, (old, new), strict=True)
        ]
    return SimulatedScores(*sides)


def side_means(lab: SimulatedLab, logits: Floats, gains: Floats) -> tuple[Floats, Floats]:
    """True mean scores of both sides per plan, without the plans' own reactions."""
    rate = expit(intercept(round(lab.base, 6), PLANS_SD) + logits)
    if not lab.binary:
        old = LOW + SPAN * rate
        return old, old + gains[:, None]
    shifts = {gain: intercept(round(lab.base + gain, 6), PLANS_SD) for gain in set(gains.tolist())}
    moved = np.array([shifts[gain] for gain in gains.tolist()])
    return rate, expit(moved[:, None] + logits)


def draw_noise(
    lab: SimulatedLab, worlds: int, plans: int, replicates: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Standard normal noise of both sides: alike within a plan, and among its models.

    What the sides share of a plan is the same in all replicates.
    """
    both = SIDES[lab.binary]
    shared = np.sqrt(both) * _alike(lab, (worlds, plans, 1), rng)
    own = [np.sqrt(1 - both) * _alike(lab, (worlds, plans, replicates), rng) for _ in range(2)]
    return shared + own[0], shared + own[1]


def _alike(lab: SimulatedLab, shape: tuple[int, int, int], rng: np.random.Generator) -> Floats:
    """Standard normal noise of all models, shape (world, plan, model, replicate)."""
    worlds, plans, replicates = shape
    own = rng.standard_normal((worlds, plans, lab.models, replicates))
    if lab.models == 1:
        return own
    common = rng.standard_normal((worlds, plans, 1, replicates))
    return np.asarray(np.sqrt(lab.models_alike) * common + np.sqrt(1 - lab.models_alike) * own)


@cache
def intercept(mean: float, spread: float) -> float:
    """The logit at which plans of this spread have this mean rate; the mean is kept off 0 and 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(61)
    goal, low, high = min(max(mean, 1e-4), 1 - 1e-4), -14.0, 14.0
    for _ in range(60):
        middle = (low + high) / 2
        rate = float((weights * expit(middle + spread * points)).sum() / weights.sum())
        low, high = (middle, high) if rate < goal else (low, middle)
    return low
