"""The verdict as a record: the outcome, its reasons, and every number behind them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.reasons import Reason
from prompt_lab.names import Outcome

GuardState = Literal["held", "failed", "not shown", "off"]
ReasonOrder = Literal["finding_first", "failed_guards_first"]


class _ResultModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_ResultModel):
    """Two-sided, of confidence 1 - 2 alpha: each end is one of the two one-sided tests' limit."""

    low: float
    high: float


class Flips(_ResultModel):
    """Pairs by who scored more; for 0/1 scores these are the flipped answers."""

    won: int = Field(default=0, description="the candidate scored more")
    lost: int = Field(default=0, description="the baseline scored more")
    tied: int = Field(default=0, description="both scored the same")


class ModelRow(_ResultModel):
    """One model's share of the result. Means weigh its plans equally."""

    model: str
    plans: int = Field(description="plans with at least one whole pair")
    pairs: int
    baseline: float = Field(description="mean score of the baseline")
    candidate: float = Field(description="mean score of the candidate")
    effect: float = Field(description="mean paired difference")
    interval: Interval | None = Field(description="simultaneous over the models; None for 1 plan")


class Guard(_ResultModel):
    """One guard: 'not shown' means a loss is neither shown nor excluded, which is not punished."""

    name: str
    state: GuardState
    text: str = Field(description="one plain sentence with its numbers")
    reason: Reason | None = Field(default=None, description="set where the guard failed")
    numbers: dict[str, float] = Field(default_factory=dict)


class VerifyResult(_ResultModel):
    """What the verify plans show on their own: one look at all of them."""

    effect: float | None
    interval: Interval
    p_value: float = Field(description="one-sided, for better")
    p_worse: float = Field(description="one-sided, for worse")
    n_plans: int
    n_pairs: int
    alpha: float = Field(description="the level of the gate")
    fingerprint: str = Field(description="sha256 of the verify pairs")


class Screening(_ResultModel):
    """What the train plans show of a candidate: one look, which spends no error budget."""

    passed: bool = Field(description="whether it may go on to the sealed plans")
    effect: float | None = Field(description="mean paired difference; None without a whole pair")
    interval: Interval | None = Field(description="of the effect, 90 %, from this one look")
    p_value: float = Field(description="one-sided, for better")
    level: float = Field(description="the policy's screen_level")
    n_plans: int = Field(description="plans with at least one pair")
    n_pairs: int = Field(description="whole pairs")
    models: tuple[ModelRow, ...] = ()
    fingerprint: str = Field(description="sha256 of the pairs, whatever their order")
    reason: Reason = Field(description="why it goes on, or not")


class Verdict(_ResultModel):
    """What a trial concluded. Equal pairs, policy and evidence give an equal verdict."""

    version: int = 1
    outcome: Outcome
    reasons: tuple[Reason, ...]
    reason_order: ReasonOrder = Field(
        default="finding_first",
        description="how reasons and guards are ordered; verdicts without this key are older",
    )
    needs_verify: bool = Field(
        default=False, description="all else says YES: read the verify plans and decide again"
    )
    effect: float | None = Field(description="mean paired difference, plans weighing the same")
    interval: Interval | None = Field(description="of the effect; two-sided, 1 - 2 alpha")
    claimed: float | None = Field(
        default=None, description="the gain to report: corrected for having been selected"
    )
    effect_size: float | None = Field(description="mean / standard deviation of the plan means")
    p_value: float | None = Field(description="one-sided, for better")
    p_worse: float | None = Field(default=None, description="one-sided, for worse")
    e_value: float | None = Field(default=None, description="anytime mode: evidence for better")
    visible: float | None = Field(
        default=None, description="the gain that these plans would have shown with policy.power"
    )
    n_plans: int = Field(description="plans with at least one whole pair")
    n_pairs: int = Field(description="whole pairs")
    n_missing: int = Field(default=0, description="pairs that lack a side")
    models: tuple[ModelRow, ...] = ()
    flips: Flips = Flips()
    guards: tuple[Guard, ...] = ()
    calls: int = Field(description="runs behind the verdict, both sides")
    calls_planned: int = Field(description="runs that the whole plan would have taken")
    look: int = Field(description="which look decided, from 1")
    looks: int = Field(description="how many looks were planned")
    alpha: float = Field(description="the level granted to this trial")
    method: str = Field(description="the test that decided, in words")
    verify: VerifyResult | None = Field(default=None, description="the verify plans, if read")
    screening: Screening | None = Field(
        default=None, description="what the train plans showed, from rule 3 on"
    )
    follow_up_of: int | None = Field(
        default=None, description="the iteration whose CONDITIONAL verdict this one answers"
    )
    seed: int = Field(description="the policy's seed; no other randomness is used")
    fingerprint: str = Field(description="sha256 of the pairs, whatever their order")
    rule_version: int = Field(
        default=1, description="the policy's; 1 where the record is from before it was written"
    )
