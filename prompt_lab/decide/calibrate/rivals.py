"""The rules in common use, on the same worlds: mean went up, a t-test, a t-test peeked at, Wald's.

Wald's sequential test knows the true chances of a win and a loss, which no one does: it is the
limit of what any rule can save.
"""

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from prompt_lab.decide.calibrate.resampled import Resampled
from prompt_lab.decide.calibrate.worlds import World, draw
from prompt_lab.decide.pairs import Floats, plan_values

Marks = NDArray[np.bool_]

PEEKS = 20
LONG = 2000  # plans
POWER = 0.9  # of Wald's test


class Rival(NamedTuple):
    """Share of worlds kept, and mean calls as a share of all planned."""

    rate: float
    calls: float


class Tallies:
    """Counts of what each rule keeps, over chunks of worlds."""

    def __init__(self, world: World | Resampled, alpha: float) -> None:
        self.world, self.alpha = world, alpha
        self.worlds = 0
        self.sums: dict[str, list[float]] = {}
        self._odds = _wald_odds(world)

    def add(self, differences: Floats) -> None:
        """Judge a chunk of worlds, shape (world, plan, model, replicate)."""
        self.worlds += len(differences)
        values = np.nan_to_num(plan_values(differences))
        pairs = differences.reshape(len(differences), -1)
        ones = np.ones(len(values))
        self._count("mean went up", values.mean(axis=1) > 0, ones)
        self._count("t-test on pairs", t_kept(pairs, self.alpha), ones)
        self._count("t-test on pairs, peeked at", *self._peek(differences))
        if self._odds is not None:
            self._count("Wald, truth known", *self._wald(len(values), self._odds))

    def result(self) -> dict[str, Rival]:
        """The shares over all chunks."""
        return {
            name: Rival(kept / self.worlds, calls / self.worlds)
            for name, (kept, calls) in self.sums.items()
        }

    def _count(self, name: str, kept: Marks, calls: Floats) -> None:
        tally = self.sums.setdefault(name, [0.0, 0.0])
        tally[0] += float(kept.sum())
        tally[1] += float(calls.sum())

    def _peek(self, differences: Floats) -> tuple[Marks, Floats]:
        plans = differences.shape[1]
        kept, calls = np.zeros(len(differences), dtype=bool), np.ones(len(differences))
        for count in sorted({max(2, round(plans * k / PEEKS)) for k in range(1, PEEKS + 1)}):
            seen = differences[:, :count].reshape(len(differences), -1)
            fresh = t_kept(seen, self.alpha) & ~kept
            calls[fresh] = count / plans
            kept |= fresh
        return kept, calls

    def _wald(self, worlds: int, odds: "Odds") -> tuple[Marks, Floats]:
        """Walks of its own with the world's chances: long enough that none is cut short."""
        steps = odds.rng.choice(np.array(odds.steps), p=odds.truth, size=(worlds, LONG))
        path = np.cumsum(steps, axis=1)
        upper, lower = log(POWER / self.alpha), log((1 - POWER) / (1 - self.alpha))
        over, ends = path >= upper, (path >= upper) | (path <= lower)
        first = np.where(ends.any(axis=1), ends.argmax(axis=1), LONG - 1)
        kept = np.take_along_axis(over, first[:, None], axis=1)[:, 0]
        return kept, (first + 1) / self.world.plans


class Odds(NamedTuple):
    """Log odds of a loss, a tie and a win, and the world's own chances of them."""

    steps: tuple[float, ...]
    truth: tuple[float, ...]
    rng: np.random.Generator


def t_kept(pairs: Floats, alpha: float) -> Marks:
    """One-sided t-test per row, every pair taken for independent; NaN is left out."""
    there = np.isfinite(pairs)
    count = np.maximum(there.sum(axis=1), 2)
    filled = np.where(there, pairs, 0.0)
    mean = filled.sum(axis=1) / count
    square = (np.where(there, pairs - mean[:, None], 0.0) ** 2).sum(axis=1) / (count - 1)
    error = np.sqrt(square / count)
    return np.asarray((mean > 0) & (mean >= -stdtrit(count - 1, alpha) * error))


def _wald_odds(world: World | Resampled) -> Odds | None:
    """The odds of +effect (10 points if that is not positive) against no difference."""
    if isinstance(world, Resampled):
        return None
    if world.kind != "binary" or world.models * world.replicates * world.old_runs > 1:
        return None
    gain = world.effect if world.effect > 0 else min(0.1, (1 - world.base) / 2)
    better, equal, truth = (_chances(world, effect) for effect in (gain, 0.0, world.effect))
    steps = tuple(log(a / b) for a, b in zip(better, equal, strict=True))
    return Odds(steps, truth, np.random.default_rng(0))


def _chances(world: World, effect: float) -> tuple[float, ...]:
    """The chance of a loss, a tie and a win, from many plans."""
    plain = {"effect": effect, "missing": 0.0, "plans": 100}
    many = draw(world.model_copy(update=plain), 4000, np.random.default_rng(0))
    signs = np.sign(many.differences)
    return tuple(float((signs == sign).mean()) for sign in (-1, 0, 1))
