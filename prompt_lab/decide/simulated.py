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
    reactions = rng.uniform(-REACTION, REACTION, size=(worlds, plans))
    gains = np.broadcast_to(np.asarray(effect, dtype=float), (worlds,))
    means = side_means(lab, logits, gains, reactions)
    return run_sides(lab, means, replicates, rng)


def side_means(
    lab: SimulatedLab, logits: Floats, gains: Floats, reactions: Floats, start: Floats | None = None
) -> tuple[Floats, Floats]:
    """True mean scores of both sides, shape (world, plan).

    `gains` is the candidate's mean effect in each world, `reactions` what each plan adds to it.
    `start`: by how much the baseline is above lab.base already.
    """
    above = np.zeros(len(gains)) if start is None else start
    if lab.binary:
        old, new = (
            expit(_logit_of(lab.base + g)[:, None] + logits) for g in (above, above + gains)
        )
    else:
        level = LOW + SPAN * expit(_logit_of(np.full(len(gains), lab.base))[:, None] + logits)
        old, new = level + above[:, None], level + (above + gains)[:, None]
    return np.clip(old - reactions / 2, 0, 1), np.clip(new + reactions / 2, 0, 1)


def run_sides(
    lab: SimulatedLab, means: tuple[Floats, Floats], replicates: int, rng: np.random.Generator
) -> SimulatedScores:
    """One run of both sides on these plan means, in so many replicates."""
    worlds, plans = means[0].shape
    noise = draw_noise(lab, worlds, plans, replicates, rng)
    sides = zip(noise, means, strict=True)
    if lab.binary:
        found = [(part < ndtri(mean)[..., None, None]).astype(float) for part, mean in sides]
    else:
        found = [np.clip(mean[..., None, None] + NOISE * part, 0, 1) for part, mean in sides]
    return SimulatedScores(*found)


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


def _logit_of(rates: Floats) -> Floats:
    """The middle logit at which the plans' mean success rate is each of these."""
    return np.asarray(np.interp(rates, *_rates()))


@cache
def _rates() -> tuple[Floats, Floats]:
    """Mean success rates, and the middle logits that give them."""
    points, weights = np.polynomial.hermite_e.hermegauss(61)
    middles = np.linspace(-9, 9, 3601)
    return expit(middles[:, None] + PLANS_SD * points) @ (weights / weights.sum()), middles
