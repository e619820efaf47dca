"""The budget of error over many iterations: how much alpha the next trial is granted.

`planned` divides what is left of the budget evenly over the trials that are left (Bonferroni):
the chance of any false merge stays within it, however the trials depend on each other, as they do
when they use the same plans. `elond` has no end: the n-th trial gets budget * weight(n) * (merges
+ 1) as a level for its e-value, which keeps the expected share of false merges within the budget
under any dependence (e-LOND; Xu and Ramdas 2023). `fixed` grants every trial the same and only
counts.
"""

from collections.abc import Sequence
from math import exp, log
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.policy import LedgerRule, Policy
from prompt_lab.lazy import call_on_use
from prompt_lab.names import count, plural

if TYPE_CHECKING:
    from scipy.special import zeta

call_on_use(globals(), {"scipy.special": "zeta"})


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
    sealed: bool = Field(
        default=True,
        description="whether sealed plans decided; a trial of an earlier rule, decided by train"
        " plans, spends nothing of the budget of a policy that decides by sealed ones",
    )
    rows: str = Field(
        default="",
        description="fingerprint of the pairs that were judged; the same rows judged again spend"
        " nothing; empty: not known, which counts",
    )


class Grant(BaseModel):
    """The alpha of the next trial, and the state of the budget that it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(description="0: the budget is used up")
    spent: float = Field(description="alpha granted so far; with elond a share can come back")
    left: int | None = Field(description="how many more candidates can be decided; None: no end")
    expected_false: float = Field(description="false merges to expect if nothing helped at all")
    text: str = Field(description="one plain sentence for verdicts and dry runs")


def grant(uses: Sequence[Use], policy: Policy, *, rows: str = "") -> Grant:
    """What the ledger grants the next trial. Every trial counts, whatever became of it.

    Readings of verify and comparisons with the first baseline merge nothing and cost no alpha.
    From rule 3 on only confirmations on sealed plans are trials; the same rows judged again are
    one trial. `rows` is the fingerprint of rows to judge now: known ones get their old alpha.
    """
    trials = _distinct([use for use in uses if counts(use, policy)])
    again = next((use for use in trials if rows and use.rows == rows), None)
    if again is not None:
        text = f"The rows of iteration {again.iteration} judged again, at their alpha: nothing is"
        return _make_grant(again.alpha, sum(u.alpha for u in trials), None, f"{text} spent.")
    rule, spent = policy.ledger, sum(use.alpha for use in trials)
    if rule.control == "fixed":
        text = (
            f"Alpha {policy.alpha:g} each time: {spent + policy.alpha:.2g} false merges to expect"
            f" over {len(trials) + 1} {plural(len(trials) + 1, 'trial')} if nothing helps."
        )
        return _make_grant(policy.alpha, spent, None, text)
    if rule.control == "planned":
        return _planned(rule, len(trials), spent, sealed=policy.seals)
    merges = sum(use.merged for use in trials)
    line = rule.budget * weight(len(trials) + 1) * (merges + 1)
    alpha = line if policy.mode == "anytime" else as_p_level(line)
    text = (
        f"Trial {len(trials) + 1} after {merges} {plural(merges, 'merge')} at alpha {alpha:.2g}: "
        f"in the mean at most {rule.budget:.0%} of merges are false."
    )
    return _make_grant(alpha, spent, None, text)


def counts(use: Use, policy: Policy) -> bool:
    """Whether a use is a trial that spends from the budget of this policy."""
    return use.kind == "trial" and (use.sealed or not policy.seals)


def _distinct(trials: Sequence[Use]) -> list[Use]:
    """The trials without those that judged the rows of an earlier one again."""
    seen: set[str] = set()
    found = []
    for use in trials:
        if use.rows not in seen:
            found.append(use)
        if use.rows:
            seen.add(use.rows)
    return found


MORE_PLANS = "add new verify plans and set ledger.since in the policy's file to the next iteration"


def _planned(rule: LedgerRule, done: int, spent: float, *, sealed: bool = False) -> Grant:
    left = max(0, rule.iterations - done)
    alpha = round(max(0.0, rule.budget - spent) / left, 12) if left else 0.0
    text = (
        f"Trial {done + 1} of {rule.iterations} at alpha {alpha:.2g}; after it these plans can"
        f" decide about {left - 1} more."
    )
    if not alpha:
        text = (
            f"The budget of {rule.budget:g} for {rule.iterations} "
            f"{plural(rule.iterations, 'trial')} is used up: "
            "renew the plans, or plan for more."
        )
    if sealed:
        text = (
            f"Confirmation {done + 1} of {rule.iterations} at alpha {alpha:.2g}; after it"
            f" {count(left - 1, 'confirmation')} {'is' if left == 2 else 'are'} left on these"
            " verify plans. Screenings are free."
            if alpha
            else f"All {count(rule.iterations, 'confirmation')} of these verify plans are used up:"
            f" {MORE_PLANS}."
        )
    return _make_grant(alpha, spent, left, text)


def _make_grant(alpha: float, spent: float, left: int | None, text: str) -> Grant:
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


def origin_due(uses: Sequence[Use], every: int) -> bool:
    """Whether `every` merges were made since the prompt was last compared with the first one."""
    last = max((i for i, use in enumerate(uses) if use.kind == "origin"), default=-1)
    return every > 0 and sum(use.merged for use in uses[last + 1 :] if use.kind == "trial") >= every
