"""The cells of rule 3: shipped policies end to end in simulated labs, YES counted.

A cell of false merges draws single confirmations, screening included, and gives the chance of any
such merge in a whole campaign, 1 - (1 - p)^18. A cell of power counts the YES of first trials.
"""

from collections.abc import Callable
from math import sqrt
from typing import Literal, NamedTuple
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.boundaries import alpha_spent, boundaries
from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.decide.chances import confirm_many, screen_many
from prompt_lab.decide.looks import Design
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.simulated import (
    PLANS_SD,
    REACTION,
    SimulatedLab,
    SimulatedScores,
    draw_scores,
    run_sides,
    side_means,
)

Kind = Literal["plain", "skewed", "missing", "drift", "unequal looks"]
Draw = Callable[[int, np.random.Generator], SimulatedScores]

TRAIN, SEALED = 20, 60
"""Plans of the false-merge cells: 80 in all, a quarter of them train."""
CHUNK = 2000
QUIET = 0.02  # noise of a score in the skewed worlds


class FalseMergeCell(NamedTuple):
    """Candidates that must not be merged, under one policy.

    `train` is their mean effect on the train plans, `effect` that on all other plans. `skew`:
    (gain, share of plans that gain), the others lose so much that the mean is `effect`.
    """

    name: str
    policy: str
    lab: SimulatedLab = SimulatedLab()
    effect: float = 0.0
    train: float = 0.0
    kind: Kind = "plain"
    skew: tuple[float, float] = (0.0, 0.0)
    base: float = 0.0  # of skewed worlds: the baseline's score; 0: what the losing plans lose
    replicates: int = 0  # 0: what the policy takes


class PowerCell(NamedTuple):
    """A first trial with a true gain. `least`: the chance of a YES that is promised.

    A policy that asks for a saving gets it, and its candidates change no score.
    """

    name: str
    policy: str
    lab: SimulatedLab
    effect: float
    plans: int
    least: float | None = None

    @property
    def split(self) -> tuple[int, int]:
        """Train and sealed plans: a quarter, at least 10, and at least half stay sealed."""
        train = min(max(10, self.plans // 4), self.plans // 2)
        return train, self.plans - train


class Resubmission(NamedTuple):
    """Campaigns whose author hands in the best useless candidate so far again and again."""

    name: str
    policy: str
    lab: SimulatedLab = SimulatedLab()


class Counted(BaseModel):
    """What a cell showed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: str
    policy: str
    tried: int = Field(description="confirmations, or first trials of a power cell")
    yes: int
    rate: float
    low: float = Field(description="95 % interval of the rate")
    high: float
    screened: float = Field(description="share of the candidates that the train plans let go on")
    any_merge: float | None = Field(default=None, description="in a campaign of 18 confirmations")
    any_high: float | None = Field(default=None, description="its upper 95 % limit")


def count_false(cell: FalseMergeCell, policy: Policy, confirmations: int, seed: int) -> Counted:
    """Single confirmations of the cell's candidates; the same seed gives the same result."""
    rng = _generator(cell.name + cell.policy, seed)
    binary = cell.lab.binary and cell.kind != "skewed"
    replicates = cell.replicates or policy.replicates_for(binary=binary, deterministic=False)
    tried = yes = candidates = went_on = 0
    while tried < confirmations:
        train = draw_scores(cell.lab, max(cell.effect, cell.train), CHUNK, TRAIN, 1, rng)
        if cell.kind == "skewed":
            train = draw_skewed(cell, CHUNK, TRAIN, rng)
        passed = int(screen_many(train, policy).sum()) if not _passes(cell) else CHUNK
        candidates, went_on = candidates + CHUNK, went_on + passed
        count = min(passed, confirmations - tried)
        if count:
            sealed = draw_sealed(cell, count, replicates, rng)
            plan = unequal_looks(policy) if cell.kind == "unequal looks" else None
            yes += int(confirm_many(sealed, policy, plan).better.sum())
            tried += count
    return _counted(cell.name, cell.policy, yes, tried, went_on / candidates, policy)


def _passes(cell: FalseMergeCell) -> bool:
    """Skewed candidates gain on nearly every train plan; all are taken to go on."""
    return cell.kind == "skewed"


def draw_sealed(
    cell: FalseMergeCell, worlds: int, replicates: int, rng: np.random.Generator
) -> SimulatedScores:
    """Scores on the sealed plans, in trial order."""
    if cell.kind == "skewed":
        return draw_skewed(cell, worlds, SEALED, rng)
    scores = draw_scores(cell.lab, cell.effect, worlds, SEALED, replicates, rng)
    if cell.kind == "drift":
        return _drifted(scores, rng)
    return _with_missing(scores, rng) if cell.kind == "missing" else scores


def draw_skewed(
    cell: FalseMergeCell, worlds: int, plans: int, rng: np.random.Generator
) -> SimulatedScores:
    """Graded scores: most plans gain a little, the others lose much."""
    gain, share = cell.skew
    loss = (gain * share - cell.effect) / (1 - share)
    base = cell.base or loss
    wins = rng.random((worlds, plans, 1, 1)) < share
    noise = QUIET * rng.standard_normal((2, worlds, plans, 1, 1))
    old = base + noise[0]
    return SimulatedScores(old, old + np.where(wins, gain, -loss) + noise[1])


def _with_missing(scores: SimulatedScores, rng: np.random.Generator) -> SimulatedScores:
    """The candidate's bad runs go missing, and the baseline's good ones; as rule 3 counts them."""
    old, new = scores.baseline.copy(), scores.candidate.copy()
    old[(old > 0.5) & (rng.random(old.shape) < 0.05)] = 1.0
    new[(new < 0.5) & (rng.random(new.shape) < 0.3)] = 0.0
    return SimulatedScores(old, new)


def _drifted(scores: SimulatedScores, rng: np.random.Generator) -> SimulatedScores:
    """Within each look both sides change: the last plans of a look fail more often."""
    place = np.tile(np.linspace(0.0, 0.3, SEALED // 3), 3)[None, :, None, None]
    parts = [
        np.where(rng.random(side.shape) < place, 0.0, side)
        for side in (scores.baseline, scores.candidate)
    ]
    return SimulatedScores(*parts)


def unequal_looks(policy: Policy) -> Design:
    """Looks after 9, 50 and 60 plans instead of thirds."""
    counts = (9, 50, 60)
    times = tuple(n / 60 for n in counts)
    levels = tuple(alpha_spent(time, policy) for time in times)
    return Design(counts, levels, boundaries(times, levels))


def count_power(cell: PowerCell, policy: Policy, worlds: int, seed: int) -> Counted:
    """First trials of the cell; the same seed gives the same result."""
    rng = _generator(cell.name + cell.policy, seed)
    train, sealed = cell.split
    replicates = policy.replicates_for(binary=cell.lab.binary, deterministic=False)
    yes = screened = 0
    for start in range(0, worlds, CHUNK):
        count = min(CHUNK, worlds - start)
        passed = screen_many(draw_scores(cell.lab, cell.effect, count, train, 1, rng), policy)
        scores = draw_scores(cell.lab, cell.effect, count, sealed, replicates, rng)
        yes += int((passed & confirm_many(scores, policy).better).sum())
        screened += int(passed.sum())
    found = _counted(cell.name, cell.policy, yes, worlds, screened / worlds, policy)
    return found.model_copy(update={"any_merge": None, "any_high": None})


def count_resubmitted(cell: Resubmission, policy: Policy, campaigns: int, seed: int) -> Counted:
    """How many such campaigns merge anything.

    The author knows the train plans and each YES or NO; plans keep their reactions to a candidate.
    """
    lab, rng = cell.lab, _generator(cell.name + cell.policy, seed)
    replicates = policy.replicates_for(binary=lab.binary, deterministic=False)

    logits = rng.normal(size=(campaigns, SEALED)) * PLANS_SD
    best, best_score = np.zeros((campaigns, SEALED)), np.full(campaigns, -np.inf)
    merged = np.zeros(campaigns, dtype=bool)
    for _ in range(policy.ledger.iterations):
        fresh = rng.uniform(-REACTION, REACTION, size=(campaigns, SEALED))
        # The train plans rank the candidates; they say nothing about the sealed plans.
        score = rng.standard_normal(campaigns)
        new = (score > best_score) | (rng.random(campaigns) < 0.3)
        best = np.where(new[:, None], fresh, best)
        best_score = np.where(new, score, best_score)
        means = side_means(lab, logits, np.zeros(campaigns), best)
        merged |= confirm_many(run_sides(lab, means, replicates, rng), policy).better
    found = _counted(cell.name, cell.policy, int(merged.sum()), campaigns, 1.0, policy)
    return found.model_copy(update={"any_merge": found.rate, "any_high": found.high})


RESUBMITTED = "resubmission of the best so far"


def _counted(
    name: str, policy_name: str, yes: int, tried: int, screened: float, policy: Policy
) -> Counted:
    low, high = clopper_pearson(yes, tried, 0.95)
    trials = policy.ledger.iterations
    return Counted(
        cell=name,
        policy=policy_name,
        tried=tried,
        yes=yes,
        rate=yes / tried,
        low=low,
        high=high,
        screened=screened,
        any_merge=1 - (1 - yes / tried) ** trials,
        any_high=1 - (1 - high) ** trials,
    )


def _generator(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, crc32(name.encode())])


def standard_error(found: Counted) -> float:
    """Of the rate."""
    return sqrt(found.rate * (1 - found.rate) / found.tried)


_SEVEN = SimulatedLab(models=7, models_alike=0.7)
_GRADED = SimulatedLab(binary=False)
_GRADED_SEVEN = SimulatedLab(binary=False, models=7, models_alike=0.7)
_LABS = {
    "0/1": SimulatedLab(),
    "graded": _GRADED,
    "0/1, 7 models": _SEVEN,
    "graded, 7 models": _GRADED_SEVEN,
}
SKEWS: tuple[tuple[str, tuple[float, float], float, float], ...] = (
    ("+5 on 95 % of plans, mean 0", (0.05, 0.95), 0.0, 0.0),
    ("+5 on 94 %, mean -1", (0.05, 0.94), -0.01, 0.0),
    ("+2 on 97 %, mean -1", (0.02, 0.97), -0.01, 0.0),
    ("+10 on 90 %, mean 0", (0.10, 0.90), 0.0, 0.0),
    ("+10 on 85 %, mean 0, all lost", (0.10, 0.85), 0.0, 0.0),
    ("+10 on 85 %, mean 0, base 0.9", (0.10, 0.85), 0.0, 0.9),
)


def _tuned(policy: str, effects: tuple[float, ...]) -> tuple[FalseMergeCell, ...]:
    return tuple(
        FalseMergeCell(
            f"{name}, tuned to +{train * 100:.0f} on train, {effect * 100:+.0f} elsewhere",
            policy,
            lab,
            effect,
            train,
        )
        for name, lab in _LABS.items()
        for train in (0.1, 0.2)
        for effect in effects
    )


FALSE_MERGES = (
    *(FalseMergeCell(f"{name}, no change", "strict", lab) for name, lab in _LABS.items()),
    *_tuned("strict", (0.0, -0.02, -0.05)),
    *(
        FalseMergeCell(name, "strict", _GRADED, effect, 0.1, "skewed", skew, base)
        for name, skew, effect, base in SKEWS
    ),
    FalseMergeCell("0/1, missing not at random", "strict", kind="missing"),
    FalseMergeCell("graded, missing not at random", "strict", _GRADED, kind="missing"),
    FalseMergeCell("0/1, drift within each look", "strict", kind="drift"),
    FalseMergeCell("0/1, unequal looks", "strict", kind="unequal looks"),
    FalseMergeCell("graded, unequal looks", "strict", _GRADED, kind="unequal looks"),
)
SAVING = ("simpler", "cheaper")
"""The policies that ask for a saving at no loss of the margin."""
HARMFUL = (
    *(
        FalseMergeCell(
            f"0/1, -3 points exactly, base {base}, replicates {replicates}",
            "no-harm",
            SimulatedLab(base=base),
            -0.03,
            0.1,
            replicates=replicates,
        )
        for base in (0.6, 0.9)
        for replicates in (1, 2, 3)
    ),
    FalseMergeCell("graded, -3 points exactly", "no-harm", _GRADED, -0.03, 0.1),
    FalseMergeCell("0/1, 7 models, -3 points exactly", "no-harm", _SEVEN, -0.03, 0.1),
    *(
        FalseMergeCell(f"{name}, -3 points exactly", policy, lab, -0.03)
        for policy in SAVING
        for name, lab in (
            ("0/1", SimulatedLab()),
            ("0/1, base 0.9", SimulatedLab(base=0.9)),
            ("0/1, 7 models", _SEVEN),
            ("graded", _GRADED),
        )
    ),
    *(
        FalseMergeCell(name, policy, _GRADED, -0.03, 0.0, "skewed", skew)
        for policy in SAVING
        for name, skew in (
            ("even on 90 % of plans, mean -3", (0.0, 0.9)),
            ("+2 on 95 % of plans, mean -3", (0.02, 0.95)),
        )
    ),
    *_tuned("no-harm", (-0.05,)),
    FalseMergeCell("+5 on 92 %, mean -3", "no-harm", _GRADED, -0.03, 0.1, "skewed", (0.05, 0.92)),
    FalseMergeCell("+10 on 85 %, mean -3", "no-harm", _GRADED, -0.03, 0.1, "skewed", (0.1, 0.85)),
    FalseMergeCell("0/1, missing not at random, -3 points", "no-harm", effect=-0.03, train=0.1,
                   kind="missing"),
    FalseMergeCell("0/1, unequal looks, -3 points", "no-harm", effect=-0.03, train=0.1,
                   kind="unequal looks"),
)  # fmt: skip
POWER = tuple(
    PowerCell(f"{name} +{effect * 100:.0f}, {plans} plans", policy, lab, effect, plans, least)
    for name, lab, effect, plans, leasts in (
        ("0/1", SimulatedLab(), 0.2, 80, (0.59, 0.60)),
        ("0/1", SimulatedLab(), 0.2, 200, (0.91, 0.91)),
        ("0/1", SimulatedLab(), 0.1, 80, (None, None)),
        ("0/1", SimulatedLab(), 0.1, 200, (0.45, 0.57)),
        ("0/1", SimulatedLab(), 0.1, 400, (0.87, 0.87)),
        ("graded", _GRADED, 0.1, 80, (0.63, 0.87)),
        ("graded", _GRADED, 0.1, 200, (None, None)),
        ("0/1, 7 models", SimulatedLab(models=7), 0.1, 80, (None, None)),
    )
    for policy, least in zip(("strict", "no-harm"), leasts, strict=True)
) + tuple(
    PowerCell(f"{name} +0, {plans} plans", policy, lab, 0.0, plans)
    for policy in SAVING
    for name, lab, plans in (
        ("0/1", SimulatedLab(), 80),
        ("0/1", SimulatedLab(), 400),
        ("graded", _GRADED, 80),
        ("graded", _GRADED, 200),
    )
)
