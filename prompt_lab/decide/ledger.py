"""The budget of error over many iterations: how much alpha the next trial is granted.

`planned` divides the budget evenly over a planned number of trials (Bonferroni): the chance of
any false merge stays within it, however the trials depend on each other, as they do when they
use the same plans. `elond` has no end: the n-th trial gets budget * weight(n) * (merges + 1) as a
level for its e-value, which keeps the expected share of false merges within the budget under any
dependence (e-LOND; Xu and Ramdas 2023). `fixed` grants every trial the same and only counts.
"""

from collections.abc import Iterable, Sequence
from math import exp, log
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from scipy.special import zeta

from prompt_lab.decide.policy import LedgerRule, Policy


class Use(BaseModel):
    """One use of a plan set: a trial on it, or a reading of the verify plans."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iteration: int
    plan_set: str = Field(description="a name or hash of the plans that were asked")
    kind: Literal["trial", "verify", "origin"] = Field(
        default="trial", description="origin: the current prompt against the very first baseline"
    )
    alpha: float = Field(ge=0, description="the level granted; 0 for a reading of verify")
    merged: bool = Field(default=False, description="whether its verdict was YES")


class Grant(BaseModel):
    """The alpha of the next trial, and the state of the budget that it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(description="0: the budget is used up")
    spent: float = Field(description="alpha granted so far; with elond a share can come back")
    left: int | None = Field(description="how many more candidates can be decided; None: no end")
    expected_false: float = Field(description="false merges to expect if nothing helped at all")
    text: str = Field(description="one plain sentence for verdicts and dry runs")


def grant(uses: Sequence[Use], policy: Policy) -> Grant:
    """What the ledger grants the next trial. Every trial counts, whatever became of it."""
    trials = [use for use in uses if use.kind != "verify"]
    rule, spent = policy.ledger, sum(use.alpha for use in trials)
    if rule.control == "fixed":
        text = (
            f"Alpha {policy.alpha:g} for every iteration: after {len(trials)} trials"
            f" {spent:.2g} false merges are to be expected if nothing helped."
        )
        return _granted(policy.alpha, spent, None, text)
    if rule.control == "planned":
        return _planned(rule, len(trials), spent)
    merges = sum(use.merged for use in trials)
    line = rule.budget * weight(len(trials) + 1) * (merges + 1)
    alpha = line if policy.mode == "anytime" else as_p_level(line)
    text = (
        f"Trial {len(trials) + 1} after {merges} merges is granted alpha {alpha:.2g}: at most"
        f" {rule.budget:.0%} of all merges are false in the mean."
    )
    return _granted(alpha, spent, None, text)


def _planned(rule: LedgerRule, done: int, spent: float) -> Grant:
    left = max(0, rule.iterations - done)
    alpha = rule.budget / rule.iterations if left else 0.0
    text = (
        f"Trial {done + 1} of {rule.iterations} planned is granted alpha {alpha:.2g}; these plans"
        f" can still decide about {left} candidates."
    )
    if not left:
        text = (
            f"All {rule.iterations} planned trials are used up: renew the plans and start a new"
            " ledger, or plan for more iterations with a larger budget."
        )
    return _granted(alpha, spent, left, text)


def _granted(alpha: float, spent: float, left: int | None, text: str) -> Grant:
    return Grant(alpha=alpha, spent=spent, left=left, expected_false=spent, text=text)


def weight(trial: int) -> float:
    """The n-th share of an open-ended budget, from 1; all of them sum to 1.

    >>> round(weight(1), 3), round(sum(weight(n) for n in range(1, 10_000)), 2)
    (0.219, 0.99)
    """
    return float((trial + 1) ** -1.5 / (zeta(1.5) - 1))


def calibrated(p_value: float) -> float:
    """The e-value of a p-value, without a tuning constant (Vovk and Wang 2021).

    Decreasing in p; its mean is 1 for a uniform p.
    """
    if p_value >= 1:
        return 0.5
    p = max(p_value, 1e-300)
    return (1 - p + p * log(p)) / (p * log(p) ** 2)


def as_p_level(line: float) -> float:
    """The level of a p-value whose e-value reaches 1 / line."""
    low, high = log(1e-300), 0.0
    for _ in range(80):
        middle = (low + high) / 2
        if calibrated(exp(middle)) >= 1 / line:
            low = middle
        else:
            high = middle
    return exp(low)


def uses_of(uses: Iterable[Use]) -> dict[str, dict[str, int]]:
    """How often each plan set was used, by kind."""
    found: dict[str, dict[str, int]] = {}
    for use in uses:
        kinds = found.setdefault(use.plan_set, {})
        kinds[use.kind] = kinds.get(use.kind, 0) + 1
    return found


def origin_due(uses: Sequence[Use], every: int) -> bool:
    """Whether `every` merges were made since the prompt was last compared with the first one."""
    last = max((i for i, use in enumerate(uses) if use.kind == "origin"), default=-1)
    return every > 0 and sum(use.merged for use in uses[last + 1 :] if use.kind == "trial") >= every
