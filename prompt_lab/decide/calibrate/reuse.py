"""A baseline of an earlier day: what becomes of the verdict where the model has drifted since."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate.cells import Reuse
from prompt_lab.decide.calibrate.measure import CHUNK, walk
from prompt_lab.decide.calibrate.worlds import means, scores
from prompt_lab.decide.looks import LookStop, design
from prompt_lab.decide.pairs import Floats, plan_values

Bools = NDArray[np.bool_]
Look = Callable[[Floats], LookStop]
"""Plan values in trial order -> where the looks over them end."""


class Probe(NamedTuple):
    """The sample that is made again in any case, and the test of its scores, one a plan."""

    share: float
    fewest: int
    alpha: float
    drifted: Callable[[Sequence[float], Sequence[float], float], bool]

    def size(self, plans: int) -> int:
        """How many plans of each model are in the sample."""
        return min(plans, max(self.fewest, ceil(plans * self.share)))

    def certain(self, plans: int) -> Bools:
        """Which plans are in the sample, in trial order: the first ones, and some of the rest."""
        first = min(self.fewest, self.size(plans))
        more, found = self.size(plans) - first, np.arange(plans) < first
        found[[first + (plans - first) * i // more for i in range(more)]] = True
        return found


class Reused(BaseModel):
    """What a cell showed: counts of worlds that end in 'better', by what the baseline is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    cell: str
    shift: float = Field(description="mean score today less that of the earlier day")
    gain: float = Field(description="true difference of candidate and baseline, both today")
    worlds: int
    fresh: int = Field(description="kept where the whole baseline is made again today")
    unprobed: int = Field(description="kept where it is reused and nothing is asked")
    probed: int = Field(description="kept where it is reused and the probe shows no drift")
    renewed: int = Field(
        description="kept by the rule: all that a YES rests on is made again first"
    )
    invalid: int = Field(description="worlds that the rule ends as INVALID")
    calls: float = Field(description="mean calls of the rule, over those of a wholly new trial")
    probes: int = Field(description="plans made again in any case, of each model")
    seed: int


class ScoresByDay(NamedTuple):
    """Scores, shape (world, plan, model, replicate); those of one world lack the first axis."""

    then: Floats
    today: Floats
    candidate: Floats


class Followed(NamedTuple):
    """Where a trial under the rule ended, how many plans it asked for, which were made again."""

    stop: LookStop
    asked: int
    renewed: Bools


def run_reuse(cell: Reuse, worlds: int, seed: int, probe: Probe) -> Reused:
    """Draw the cell's worlds and judge each in all ways; equal seeds give equal results."""
    rng = np.random.default_rng([seed, crc32(cell.world.name.encode())])
    plan = design(cell.world.plans, cell.policy)
    look = partial(walk, plan=plan, policy=cell.policy)
    counts = np.zeros(7, dtype=np.int64)
    for start in range(0, worlds, CHUNK):
        drawn = _draw(cell, min(CHUNK, worlds - start), rng)
        for world in zip(*drawn, strict=True):
            counts += _judge(ScoresByDay(*world), look, probe)
    fresh, unprobed, probed, renewed, invalid, made, wholly = counts.tolist()
    return Reused(
        cell=cell.world.name,
        shift=cell.world.effect,
        gain=cell.gain,
        worlds=worlds,
        fresh=fresh,
        unprobed=unprobed,
        probed=probed,
        renewed=renewed,
        invalid=invalid,
        calls=made / wholly,
        probes=probe.size(cell.world.plans),
        seed=seed,
    )


def follow(fresh: Floats, reused: Floats, certain: Bools, look: Look) -> Followed:
    """The rule over one world's plan values: against the baseline of today, and the reused one.

    Wherever the trial says 'better', all that was reused so far is made again, and it is built
    again. So a YES is one that a wholly new trial says too.
    """
    renewed, asked = certain.copy(), 0
    while True:
        stop = look(np.where(renewed, fresh, reused))
        asked = max(asked, stop.plans)
        if stop.why != "better" or renewed[: stop.plans].all():
            return Followed(stop, asked, renewed & (np.arange(len(renewed)) < asked))
        renewed[:asked] = True


def _draw(cell: Reuse, count: int, rng: np.random.Generator) -> ScoresByDay:
    """The baseline then and today, and the candidate, which is the gain better than today's."""
    world = cell.world
    logits = rng.normal(size=(count, world.plans)) * world.difficulty
    old, new = means(world, logits, rng)
    gained = world.model_copy(update={"effect": world.effect + cell.gain})
    better = means(gained, logits, rng)[1] if cell.gain else new
    return ScoresByDay(*(scores(world, mean, rng) for mean in (old, new, better)))


def _judge(world: ScoresByDay, look: Look, probe: Probe) -> tuple[int, ...]:
    """Kept: made again, unprobed, probed, by the rule; INVALID; calls of the rule, and without."""
    then, today = world.then[..., 0], world.today[..., 0]
    certain = probe.certain(len(then))
    fresh, reused = (plan_values(world.candidate - old) for old in (world.today, world.then))
    anew, unasked = look(fresh), look(reused).why == "better"
    probed = unasked and not _drifted(then[certain], today[certain], probe)
    end = follow(fresh, reused, certain, look)
    trusted = not end.renewed[: end.stop.plans].all()
    invalid = trusted and _drifted(then[end.renewed], today[end.renewed], probe)
    kept = (anew.why == "better", unasked, probed, end.stop.why == "better", invalid)
    return *map(int, kept), end.asked + int(end.renewed.sum()), 2 * anew.plans


def _drifted(then: Floats, now: Floats, probe: Probe) -> bool:
    """Whether any model is shown to have drifted; the level is shared among them."""
    alpha = probe.alpha / then.shape[1]
    models = zip(then.T.tolist(), now.T.tolist(), strict=True)
    return any(probe.drifted(old, new, alpha) for old, new in models)
