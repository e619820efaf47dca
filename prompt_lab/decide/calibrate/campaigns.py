"""Whole ledgers and campaigns: what is merged over many candidates under the ledger's control."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate.measure import gain_of, walk
from prompt_lab.decide.calibrate.worlds import World, means, scores
from prompt_lab.decide.ledger import Use, grant
from prompt_lab.decide.limits import error
from prompt_lab.decide.looks import design
from prompt_lab.decide.pairs import Floats, plan_values
from prompt_lab.decide.policy import Policy


class SimulatedCampaign(BaseModel):
    """What became of one run of candidates on one challenge set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merged_true: int
    merged_false: int
    true: int = Field(description="candidates that were truly better")
    excess: tuple[float, ...] = Field(description="claimed gain less the true one, per merge")


def campaign(
    effects: tuple[float, ...], policy: Policy, rng: np.random.Generator, reuse: bool = True
) -> SimulatedCampaign:
    """Try candidates with these true effects one after another, on the same plans.

    With `reuse` the baseline's answers are drawn once and serve every candidate that is tried.
    """
    world = World(name="campaign", plans=policy.max_plans)
    logits = rng.normal(size=(1, world.plans)) * world.difficulty
    old = scores(world, means(world, logits, rng)[0], rng)
    uses: list[Use] = []
    wins, excess = [0, 0], list[float]()
    for number, effect in enumerate(effects, start=1):
        granted = grant(uses, policy).alpha
        if granted <= 0:
            break
        here = world.model_copy(update={"effect": effect})
        if not reuse:
            old = scores(here, means(here, logits, rng)[0], rng)
        values = plan_values(scores(here, means(here, logits, rng)[1], rng) - old)[0]
        gain = claimed_gain_if_better(values, policy.at_alpha(granted))
        uses.append(Use(iteration=number, plan_set="train", alpha=granted, merged=gain is not None))
        if gain is not None:
            wins[int(effect > 0)] += 1
            excess.append(gain - effect)
    true = sum(effect > 0 for effect in effects)
    return SimulatedCampaign(
        merged_true=wins[1], merged_false=wins[0], true=true, excess=tuple(excess)
    )


def claimed_gain_if_better(values: Floats, policy: Policy) -> float | None:
    """The claimed gain if the looks over these plan values end in 'better'."""
    plan = design(len(values), policy)
    stop = walk(values, plan, policy)
    if stop.why != "better":
        return None
    return gain_of(values[: stop.plans], plan, policy)


class Ledgers(BaseModel):
    """Many campaigns together. Errors are standard errors of the means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaigns: int
    with_false: int = Field(description="campaigns with any false merge")
    merged_true: int
    true: int = Field(description="truly better candidates, tried or not")
    false_share: float = Field(description="false merges / merges, mean over campaigns; 0 if none")
    false_share_error: float
    excess: float | None = Field(description="mean of the claimed gain less the true one")
    excess_error: float

    @property
    def any_false(self) -> float:
        """Share of campaigns with any false merge."""
        return self.with_false / self.campaigns

    @property
    def share_merged(self) -> float:
        """Share of the true improvements that were merged."""
        return self.merged_true / max(self.true, 1)


def summarise(runs: list[SimulatedCampaign]) -> Ledgers:
    """The shares over all campaigns."""
    shares = np.array([r.merged_false / max(r.merged_false + r.merged_true, 1) for r in runs])
    excess = np.array([gap for run in runs for gap in run.excess])
    return Ledgers(
        campaigns=len(runs),
        with_false=sum(r.merged_false > 0 for r in runs),
        merged_true=sum(r.merged_true for r in runs),
        true=sum(r.true for r in runs),
        false_share=float(shares.mean()),
        false_share_error=error(shares),
        excess=float(excess.mean()) if len(excess) else None,
        excess_error=error(excess),
    )
