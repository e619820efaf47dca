"""Whole ledgers under rule 3: what a campaign's merges gain and harm, all campaigns at once."""

from typing import Literal, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.decide.chances import confirm_many, screen_many
from prompt_lab.decide.many import Flags
from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.simulated import (
    LOW,
    PLANS_SD,
    REACTION,
    SPAN,
    SimulatedLab,
    run_sides,
    side_means,
)

CALLS, TRAIN, SEALED, RACE = 5000, 20, 60, 4
HALF_A_POINT = 0.005
MOST = 0.95  # no merge raises the mean score above it


class LedgerWorld(NamedTuple):
    """A campaign of at most CALLS calls on 80 plans; each iteration races RACE candidates."""

    name: str
    policy: str
    binary: bool = True
    harms: tuple[float, float] = (0.05, 0.15)
    harmful: float = 0.2  # share of the candidates
    better: float = 0.2
    overfit: float = 0.0  # share of the candidates that look up to 15 points better on train
    rule: Literal["policy", "mean went up"] = "policy"
    least: float | None = None  # net gain in points of 100


class NetGain(BaseModel):
    """Campaigns together. Gains are shares of 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: str
    policy: str
    campaigns: int
    gain: float = Field(description="true effects of all merges, mean over campaigns")
    error: float = Field(description="its standard error")
    harmed: float = Field(description="share of campaigns with a merge worse than half a point")
    harmed_high: float = Field(description="its upper 95 % limit")
    useless: float = Field(description="share with a merge that gains at most half a point")
    merges: float
    confirmations: float


def run_campaigns(world: LedgerWorld, policy: Policy, campaigns: int, seed: int) -> NetGain:
    """All campaigns in step; the same seed gives the same result."""
    rng = np.random.default_rng([seed, crc32((world.name + world.policy).encode())])
    lab = SimulatedLab(binary=world.binary)
    replicates = policy.replicates_for(binary=world.binary, deterministic=False)
    logits = rng.normal(size=(campaigns, TRAIN + SEALED)) * PLANS_SD
    start, gain = np.zeros(campaigns), np.zeros(campaigns)
    calls = np.full(campaigns, CALLS)
    used, merges = np.zeros(campaigns, dtype=int), np.zeros(campaigns)
    harmed, useless = np.zeros(campaigns, dtype=bool), np.zeros(campaigns, dtype=bool)
    full = TRAIN * (RACE + 1) + 2 * replicates * SEALED
    while True:
        active = np.flatnonzero((calls >= full) & (used < policy.ledger.iterations))
        if not len(active):
            break
        effects, shown = _candidates(world, (len(active), RACE), rng)
        middle = lab.base if world.binary else LOW + SPAN * lab.base
        effects = np.minimum(effects, MOST - middle - start[active][:, None])
        reactions = rng.uniform(-REACTION, REACTION, size=(len(active), RACE, TRAIN + SEALED))
        best, passed = _race(lab, policy, world, (logits[active], start[active]),
                             effects + shown, reactions[:, :, :TRAIN], rng)  # fmt: skip
        calls[active] -= TRAIN * (RACE + 1)
        rows = np.flatnonzero(passed)
        if not len(rows):
            continue
        confirmed = active[rows]
        effect = effects[rows, best[rows]]
        means = side_means(lab, logits[confirmed, TRAIN:], effect,
                           reactions[rows, best[rows], TRAIN:], start[confirmed])  # fmt: skip
        if world.rule == "policy":
            ended = confirm_many(run_sides(lab, means, replicates, rng), policy)
            better, cost = ended.better, 2 * replicates * ended.plans
        else:
            scores = run_sides(lab, means, 1, rng)
            better = scores.values.mean(axis=1) > 0
            cost = np.full(len(rows), 2 * SEALED)
        calls[confirmed] -= cost
        used[confirmed] += world.rule == "policy"
        won = confirmed[better]
        gain[won] += _true_gain(lab, logits[won], effect[better], start[won])
        start[won] += effect[better]
        merges[won] += 1
        harmed[won] |= effect[better] < -HALF_A_POINT
        useless[won] |= effect[better] <= HALF_A_POINT
    return _summary(world, gain, merges, used, harmed, useless)


def _true_gain(lab: SimulatedLab, logits: Floats, effects: Floats, start: Floats) -> Floats:
    """What merges gain over all plans: scores end at 1, so it can be less than the effect."""
    old, new = side_means(lab, logits, effects, np.zeros(logits.shape), start)
    return np.asarray((new - old).mean(axis=1))


def _candidates(
    world: LedgerWorld, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """True effects, and what overfitting adds to them on the train plans."""
    kind = rng.random(shape)
    harm = -rng.uniform(*world.harms, size=shape)
    gain = rng.uniform(0.03, 0.20, size=shape)
    effects = np.where(kind < world.harmful, harm, 0.0)
    effects = np.where(kind >= 1 - world.better, gain, effects)
    shown = np.where(rng.random(shape) < world.overfit, rng.uniform(0, 0.15, size=shape), 0.0)
    return effects, shown


def _race(
    lab: SimulatedLab,
    policy: Policy,
    world: LedgerWorld,
    now: tuple[Floats, Floats],
    effects: Floats,
    reactions: Floats,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], Flags]:
    """The candidate with the largest mean among those that passed, and whether any did."""
    logits, start = now
    seen = np.full(effects.shape, -np.inf)
    for at in range(effects.shape[1]):
        means = side_means(lab, logits[:, :TRAIN], effects[:, at], reactions[:, at], start)
        scores = run_sides(lab, means, 1, rng)
        mean = scores.values.mean(axis=1)
        passed = screen_many(scores, policy) if world.rule == "policy" else mean > 0
        seen[:, at] = np.where(passed, mean, -np.inf)
    return seen.argmax(axis=1), np.isfinite(seen.max(axis=1))


def _summary(
    world: LedgerWorld,
    gain: Floats,
    merges: Floats,
    used: NDArray[np.int64],
    harmed: Flags,
    useless: Flags,
) -> NetGain:
    count = len(gain)
    return NetGain(
        cell=world.name,
        policy=world.policy,
        campaigns=count,
        gain=float(gain.mean()),
        error=float(gain.std(ddof=1) / np.sqrt(count)),
        harmed=float(harmed.mean()),
        harmed_high=clopper_pearson(int(harmed.sum()), count, 0.95)[1],
        useless=float(useless.mean()),
        merges=float(merges.mean()),
        confirmations=float(used.mean()),
    )


_POLICIES = ("strict", "no-harm")
_WORLDS = (
    (LedgerWorld("ledger, 0/1, 80 plans", ""), (0.22, 0.24)),
    (LedgerWorld("ledger, 0/1, half overfit, 40 % harmful", "", harmful=0.4, overfit=0.5),
     (None, None)),
    (LedgerWorld("ledger, graded, 80 plans", "", binary=False), (0.25, 0.28)),
    (LedgerWorld("ledger, 0/1, harms of 1 to 6 points", "", harms=(0.01, 0.06)), (0.19, None)),
)  # fmt: skip
LEDGER_WORLDS = tuple(
    world._replace(policy=policy, least=least)
    for world, leasts in _WORLDS
    for policy, least in zip(_POLICIES, leasts, strict=True)
)
RIVAL = LedgerWorld(
    "ledger, 0/1, 80 plans, merged if the mean went up", "strict", rule="mean went up"
)
