"""The chance of a YES before the first call, under each policy: the dry run's table.

It is counted in simulated labs, screening, looks and every gate of the decision included.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import stdtrit

from prompt_lab.decide.limits import fewest_plans
from prompt_lab.decide.looks import Design, design
from prompt_lab.decide.many import Endings, Flags, margin_p_values, run_many, screening_p_values
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.simulated import SimulatedLab, SimulatedScores, draw_scores
from prompt_lab.names import count, plural

WORLDS, FEWEST_WORLDS = 1500, 100
WORK = 6_000_000
"""About this many simulated scores a table: a second and a half of one core."""
MOST_MODELS = 7
"""More models than this are simulated as so many: their mean hardly varies less."""
LIKELY = 0.5
"""From this chance of a YES on a policy is worth its calls."""


class Chance(BaseModel):
    """One true effect: how often a first trial ends in YES."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    effect: float = Field(description="true gain; 0.10 is 10 points")
    screened: float = Field(description="share that the train plans let go on")
    yes: float = Field(description="share that ends in YES")
    error: float = Field(description="standard error of `yes`")


class ChanceTable(BaseModel):
    """One policy on a given number of plans."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    alpha: float = Field(description="level of the confirmation")
    replicates: int = Field(description="runs per model, plan and side of the confirmation")
    plans_train: int
    plans_verify: int
    needed: int = Field(description="sealed plans below which no scores give a YES")
    rows: tuple[Chance, ...]

    @property
    def possible(self) -> bool:
        """Whether any scores could give a YES."""
        return self.plans_verify >= self.needed


class Recommendation(BaseModel):
    """The policy to take, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    reason: str = Field(description="one plain sentence with its numbers")


def chances_of_yes(
    policy: Policy,
    *,
    plans_train: int,
    plans_verify: int,
    models: int,
    binary: bool,
    baseline_rate: float,
    effects: Sequence[float],
    seed: int,
) -> ChanceTable:
    """The chance of a YES at each true effect, for the policy at the alpha that it has here.

    `baseline_rate` is the baseline's mean score, for graded scores the rate behind it. A policy
    that asks for a saving is taken to get it; for deterministic models set its confirm_replicates
    to 1. Takes at most two seconds of one core: large labs are simulated less often, which
    `Chance.error` says. Equal arguments give an equal table.
    """
    base = min(max(baseline_rate, 0.02), 0.98)
    lab = SimulatedLab(binary=binary, base=base, models=min(models, MOST_MODELS))
    plans = (plans_train, plans_verify)
    worlds = worlds_within(WORK, policy, lab, plans, len(effects))
    return count_chances(policy, lab, plans, effects, seed=seed, worlds=worlds)


def worlds_within(
    work: int, policy: Policy, lab: SimulatedLab, plans: tuple[int, int], effects: int
) -> int:
    """How many worlds an effect this much work allows, from FEWEST_WORLDS to WORLDS."""
    replicates = policy.replicates_for(binary=lab.binary, deterministic=False)
    asked = min(plans[1], policy.max_plans)
    scores = plans[0] * lab.models + asked * lab.models * replicates
    walk = 4 * (plans[0] + asked)  # following a plan's step takes as long as drawing four scores
    return max(FEWEST_WORLDS, min(WORLDS, work // max(1, effects * (scores + walk))))


def count_chances(
    policy: Policy,
    lab: SimulatedLab,
    plans: tuple[int, int],
    effects: Sequence[float],
    *,
    seed: int,
    worlds: int = WORLDS,
) -> ChanceTable:
    """`chances_of_yes` for this simulated lab; `plans` are those of train and verify."""
    replicates = policy.replicates_for(binary=lab.binary, deterministic=False)
    rows, needed = [], fewest_plans(policy.alpha)
    for at, effect in enumerate(effects):
        rng = np.random.default_rng([seed, at])
        passed = confirmed = np.zeros(worlds, dtype=bool)
        if plans[0]:
            passed = screen_many(draw_scores(lab, effect, worlds, plans[0], 1, rng), policy)
        if plans[1] >= needed:
            asked = min(plans[1], policy.max_plans)
            scores = draw_scores(lab, effect, worlds, asked, replicates, rng)
            confirmed = confirm_many(scores, policy).better
        yes = float((passed & confirmed).mean())
        rows.append(
            Chance(
                effect=effect,
                screened=float(passed.mean()),
                yes=yes,
                error=sqrt(yes * (1 - yes) / worlds),
            )
        )
    return ChanceTable(
        policy=policy.name,
        alpha=policy.alpha,
        replicates=replicates,
        plans_train=plans[0],
        plans_verify=plans[1],
        needed=needed,
        rows=tuple(rows),
    )


def recommend(tables: Sequence[ChanceTable]) -> Recommendation:
    """The policy to take, out of tables with the same effects.

    The first table whose chance at some effect reaches LIKELY at the smallest such effect wins;
    of equals the first. Raises ValueError without a table.
    """
    if not tables:
        raise ValueError("no table to choose from; give one per policy")
    possible = [table for table in tables if table.possible]
    if not possible:
        fewest = min(tables, key=lambda table: table.needed)
        return Recommendation(
            policy=tables[0].policy,
            reason=f"No policy can say YES with {count(fewest.plans_verify, 'verify plan')}, it"
            f" takes at least {fewest.needed}: add plans first.",
        )
    best = min(possible, key=_first_likely)
    at = _first_likely(best)
    if at == np.inf:
        largest = max(best.rows, key=lambda row: row.effect)
        return Recommendation(
            policy=best.policy,
            reason=f"No policy finds a gain of {largest.effect * 100:g} points in half of the"
            f" trials ({best.policy}: {largest.yes:.0%}); more plans are worth more than another"
            " policy.",
        )
    yes = next(row.yes for row in best.rows if row.effect == at)
    return Recommendation(
        policy=best.policy,
        reason=f"{best.policy} finds a gain of {at * 100:g} points in {yes:.0%} of the trials with"
        f" {best.plans_train} train and {count(best.plans_verify, 'verify plan')}"
        f"{_compared(best, possible, at)}.",
    )


def _first_likely(table: ChanceTable) -> float:
    return min((row.effect for row in table.rows if row.yes >= LIKELY), default=float("inf"))


def _compared(best: ChanceTable, tables: Sequence[ChanceTable], effect: float) -> str:
    others = [
        f"{table.policy} {row.yes:.0%}"
        for table in tables
        if table is not best
        for row in table.rows
        if row.effect == effect
    ]
    return f" ({', '.join(others)})" if others else ""


def screen_many(train: SimulatedScores, policy: Policy) -> Flags:
    """Which of these worlds the train plans let go on: `screen`, on arrays."""
    shift = policy.harm_margin if policy.saving != "none" else 0.0
    values = train.values
    ahead = values.mean(axis=1) + shift > 0
    if shift:
        p_values = margin_p_values(values, shift)
    else:
        binary = bool(np.isin(train.baseline[:5], (0.0, 1.0)).all())
        cells = train.baseline.shape[2] * train.baseline.shape[3]
        p_values = screening_p_values(values, 1 / cells if binary else None)
    return np.asarray(ahead & (p_values <= policy.screen_level))


def confirm_many(sealed: SimulatedScores, policy: Policy, plan: Design | None = None) -> Endings:
    """Which of these worlds the sealed plans confirm, the guard of each model included.

    `plan` replaces the design of the policy's looks.
    """
    _, plans, models, replicates = sealed.baseline.shape
    binary = bool(np.isin(sealed.baseline[:5], (0.0, 1.0)).all())
    signs_only = binary and models * replicates == 1 and policy.test == "sign_flip"
    ended = run_many(
        sealed.values,
        None if signs_only else sealed.losses,
        plan or design(plans, policy),
        policy,
        1 / (models * replicates) if binary else None,
    )
    if models == 1 or policy.model_margin is None:
        return ended
    return ended._replace(better=ended.better & ~_a_model_loses(sealed, ended, policy))


def _a_model_loses(sealed: SimulatedScores, ended: Endings, policy: Policy) -> Flags:
    """Whether any model is shown to lose more than the policy's margin, by Student's t."""
    margin, models = policy.model_margin or 0.0, sealed.baseline.shape[2]
    by_model = sealed.differences.mean(axis=3)
    loses = np.zeros(len(by_model), dtype=bool)
    for plans in np.unique(ended.plans):
        rows = np.flatnonzero((ended.plans == plans) & ended.better)
        seen = by_model[rows, :plans]
        half = -stdtrit(plans - 1, policy.guard_alpha / models) / sqrt(plans)
        high = seen.mean(axis=1) + half * seen.std(axis=1, ddof=1)
        loses[rows] = (high < -margin).any(axis=1)
    return loses


def sentence(table: ChanceTable) -> str:
    """One line for a terminal: the policy and its chance at each effect."""
    if not table.possible:
        return (
            f"{table.policy}: {count(table.plans_verify, 'verify plan')}"
            f" cannot say YES, it takes at least {table.needed}"
            f" {plural(table.needed, 'plan')}."
        )
    cells = ", ".join(f"+{row.effect * 100:g}: {row.yes:.0%}" for row in table.rows)
    return f"{table.policy}: {cells}"
