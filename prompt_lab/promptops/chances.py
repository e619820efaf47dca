"""What gate and canary do in the long run, simulated by the product's own rules.

Candidates are judged by the shipped policy's confirmation on sealed plans (decide/chances.py), and
those with a YES by the canary's own check on 0/1 results of live calls, which goes on from the
alpha that the trial had spent.
"""

from typing import Final, NamedTuple

import numpy as np

from prompt_lab.config.promptops import CanaryConfig
from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.decide.calibrate.product import SEALED, PowerCell, count_power
from prompt_lab.decide.canary import NO_TRIAL, CanaryCheck, OfflineTrial, check_canary
from prompt_lab.decide.chances import confirm_many
from prompt_lab.decide.ledger import grant
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.simulated import SimulatedLab, draw_scores

BASE: Final = 0.7
"""Share of live calls that succeed with the current text."""
_CHUNK: Final = 1800


class SimulatedChance(NamedTuple):
    """How often something happened, with its exact 95 % interval and what is promised."""

    name: str
    hits: int
    total: int
    promise: str

    @property
    def rate(self) -> float:
        """Share of the simulations."""
        return self.hits / self.total

    @property
    def limits(self) -> tuple[float, float]:
        """Clopper and Pearson at 95 %."""
        return clopper_pearson(self.hits, self.total, 0.95)


def run_canary(
    effect: float,
    config: CanaryConfig,
    rng: np.random.Generator,
    offline: OfflineTrial = NO_TRIAL,
) -> CanaryCheck:
    """One canary to its end: 0/1 results of all its calls, `effect` the candidate's true gain."""
    pairs = config.most_calls // 2
    control = (rng.random(pairs) < BASE).astype(float)
    candidate = (rng.random(pairs) < BASE + effect).astype(float)
    return check_canary(
        control.tolist(),
        candidate.tolist(),
        alpha=config.alpha,
        most_pairs=pairs,
        least_pairs=config.least_units,
        margin=config.harm_margin,
        offline=offline,
    )


def count_aborted(
    effect: float,
    canaries: int,
    config: CanaryConfig,
    seed: int,
    offline: OfflineTrial = NO_TRIAL,
) -> int:
    """How many canaries of a candidate with this true effect are aborted."""
    rng = np.random.default_rng([seed, 1])
    ends = (run_canary(effect, config, rng, offline).state for _ in range(canaries))
    return sum(state == "abort" for state in ends)


def count_false_months(policy: Policy, months: int, config: CanaryConfig, seed: int) -> int:
    """Months in which anything is promoted although no candidate is better.

    A month uses the ledger up: as many confirmations as the policy plans for a campaign, each of
    a useless candidate that came through the screening, all at the level that the ledger grants.
    """
    rng, lab = np.random.default_rng([seed, 2]), SimulatedLab()
    trials = policy.ledger.iterations
    replicates = policy.replicates_for(binary=True, deterministic=False)
    promoted = 0
    for start in range(0, months, _CHUNK // trials):
        count = min(_CHUNK // trials, months - start)
        scores = draw_scores(lab, 0.0, count * trials, SEALED, replicates, rng)
        ended = confirm_many(scores, policy)
        by_month = np.where(ended.better, ended.plans, 0).reshape(count, trials)
        for month in by_month:
            tried = [OfflineTrial(int(plans), policy.alpha) for plans in month[month > 0]]
            ends = [run_canary(0.0, config, rng, one).state for one in tried]
            promoted += any(state != "abort" for state in ends)
    return promoted


def count_winners(cell: PowerCell, policy: Policy, worlds: int, seed: int) -> int:
    """First trials of a better candidate that end in a YES, and whose canary is not aborted."""
    yes = count_power(cell, policy, worlds, seed).yes
    return yes - count_aborted(cell.effect, yes, CanaryConfig(), seed, _longest(cell, policy))


def _longest(cell: PowerCell, policy: Policy) -> OfflineTrial:
    """The trial of a cell, all its sealed plans asked."""
    return OfflineTrial(min(cell.split[1], policy.max_plans), policy.alpha)


def simulate_chances(policy: Policy, runs: int, seed: int) -> list[SimulatedChance]:
    """All rows of the table; `runs` simulations of each, at the level that the ledger grants."""
    config, policy = CanaryConfig(), policy.at_alpha(grant([], policy).alpha)
    binary = PowerCell("0/1", policy.name, SimulatedLab(), 0.1, 400)
    graded = PowerCell("graded", policy.name, SimulatedLab(binary=False), 0.1, 200)
    tried = _longest(binary, policy)
    rows = (
        ("month without a better candidate promotes anything", "at most 5 %",
         count_false_months(policy, runs, config, seed)),
        ("canary of one 5 points worse is aborted within 4,000 calls", "at least 90 %",
         count_aborted(-0.05, runs, config, seed, tried)),
        ("canary of an equal one is aborted", "at most 10 %",
         count_aborted(0.0, runs, config, seed, tried)),
        ("one 10 points better reaches production, 400 plans of 0/1", "at least 80 %",
         count_winners(binary, policy, runs, seed)),
        ("one 10 points better reaches production, 200 graded plans", "at least 80 %",
         count_winners(graded, policy, runs, seed)),
    )  # fmt: skip
    return [SimulatedChance(name, hits, runs, promise) for name, promise, hits in rows]


def render_chances(rows: list[SimulatedChance]) -> str:
    """The table of docs/promptops.md."""
    lines = ["| simulated | how often | 95 % interval | promised |", "|---|---|---|---|"]
    for one in rows:
        low, high = one.limits
        lines.append(
            f"| {one.name} | {one.hits:,} of {one.total:,}, {one.rate:.1%} |"
            f" {low:.1%} to {high:.1%} | {one.promise} |"
        )
    return "\n".join(lines)
