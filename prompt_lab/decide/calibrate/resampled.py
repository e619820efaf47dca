"""Worlds of real scores: plans drawn again from a pool, each whole, with all its models."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate.pool import pool
from prompt_lab.decide.calibrate.worlds import Draw


class Resampled(BaseModel):
    """Which runs are compared. The dependence of the models within a plan is the real one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str = Field(description="a table of data/, by its stem")
    old: str = Field(description="the side of the table that is the baseline")
    new: str = Field(description="the candidate's; the same one: two different runs of it")
    swapped: bool = Field(default=False, description="a coin for each plan exchanges its sides")
    plans: int = 60
    replicates: int = 1

    @property
    def effect(self) -> float:
        """The true difference: that of the pool, which the plans are drawn from."""
        if self.swapped or self.old == self.new:
            return 0.0
        sides = pool(self.source)
        return float(sides[self.new].mean() - sides[self.old].mean())


def resample(world: Resampled, count: int, rng: np.random.Generator) -> Draw:
    """So many independent worlds: plans with replacement, and for each a run of either side."""
    old, new = pool(world.source)[world.old], pool(world.source)[world.new]
    shape = (count, world.plans)
    plan, first = rng.integers(len(old), size=shape), rng.integers(old.shape[1], size=shape)
    if world.old == world.new:  # any other run of the same side
        second = (first + rng.integers(1, old.shape[1], size=shape)) % old.shape[1]
    else:
        second = rng.integers(new.shape[1], size=shape)
    differences = new[plan, second] - old[plan, first]
    if world.swapped:
        differences *= rng.choice((-1.0, 1.0), size=(*shape, 1))
    return Draw(differences=differences[..., None], difficulty=old.mean(axis=(1, 2))[plan])
