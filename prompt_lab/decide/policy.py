"""The plan of a trial, made before its first call. Scores and effects are in [0, 1]."""

from typing import Literal

from pydantic import Field

from prompt_lab.config.base import Config
from prompt_lab.errors import LabError

Mode = Literal["sequential", "fixed", "anytime"]
Spending = Literal["hsd", "obrien_fleming", "pocock"]
VerifyRule = Literal["required", "if_given", "off"]
Saving = Literal["none", "length", "cost"]
RuleVersion = Literal[1, 2, 3]

RULE: Literal[3] = 3
"""The newest version of the decision rule, which the shipped policies name."""
UNNAMED_RULE: Literal[2] = 2
"""The rule of a policy that names none: those of labs from before rule 3 keep their meaning."""
BINARY_REPLICATES = {"sign_flip": 3, "margin_t": 2}
"""Runs per plan and side of a confirmation on 0/1 scores, by the policy's test."""
TIE = 1e-9
"""From rule 2 on a smaller difference of two scores is the rounding of floats: a tie."""


class AlphaSpent(LabError):
    """The ledger's budget of error is used up: no trial could say YES."""


class LedgerRule(Config):
    """The budget of error over all iterations of a lab."""

    control: Literal["planned", "elond", "fixed"] = Field(
        default="planned",
        description="planned: the budget is shared by a planned number of iterations; elond: no"
        " end is planned; fixed: each iteration gets the policy's alpha, false merges are counted",
    )
    budget: float = Field(default=0.05, gt=0, lt=0.5, description="the error of the whole ledger")
    iterations: int = Field(default=20, ge=1, description="planned: how many trials share it")
    since: int = Field(
        default=1, ge=1, description="the first iteration that counts: raise it with new plans"
    )
    origin_every: int = Field(
        default=5, ge=0, description="merges between comparisons with the first baseline; 0: never"
    )


class Policy(Config):
    """How a candidate is judged. The defaults are those that docs/calibration.md measures."""

    name: str = Field(default="", description="the policy's name: the stem of its file")
    mode: Mode = Field(
        default="sequential",
        description="sequential: planned looks; fixed: one look at the end; anytime: any look",
    )
    alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="chance of keeping a candidate that changes nothing"
    )
    power: float = Field(
        default=0.8, gt=0.5, lt=1, description="wanted chance of seeing the smallest effect"
    )
    smallest_effect: float = Field(
        default=0.10,
        gt=0,
        le=1,
        description="the smallest gain worth having; 0.10 is 10 points. A trial that cannot show it"
        " stops. A YES does not require it: it then says that the gain may be smaller",
    )
    max_plans: int = Field(default=200, ge=1, description="the most plans one trial may spend")
    replicates: int = Field(default=1, ge=1, description="runs per model, plan and side")
    test: Literal["sign_flip", "margin_t"] = Field(
        default="sign_flip",
        description="from rule 3 on; sign_flip: shown better than the baseline; margin_t: a t-test"
        " of difference + harm_margin: shown to lose less than the margin",
    )
    harm_margin: float = Field(
        default=0.0, ge=0, le=1, description="margin_t: the loss to exclude; 0.03 is 3 points"
    )
    least_estimate: float = Field(
        default=0.0,
        ge=-1,
        le=1,
        description="margin_t: a YES also needs a measured difference of at least this",
    )
    saving: Saving = Field(
        default="none",
        description="what a YES must save as well; length: the prompt is shorter by"
        " simpler_shorter; cost: the mean dollars of a run are at most cost_ratio of before",
    )
    screen_level: float = Field(
        default=0.30,
        gt=0,
        le=1,
        description="from rule 3 on: the one-sided p-value on the train plans up to which a"
        " candidate goes on to the sealed plans; it spends no error budget",
    )
    confirm_replicates: int | Literal["auto"] = Field(
        default="auto",
        description="runs per model, plan and side on the sealed plans; auto: for 0/1 scores 3"
        " with sign_flip and 2 with margin_t, 1 for graded ones; a deterministic model: always 1",
    )
    unseen_loss_guard: bool = Field(
        default=True,
        description="from rule 3 on: a crossing counts only if the mean gain exceeds what plans"
        " like none of those seen could lose",
    )
    looks: int = Field(default=5, ge=1, le=50, description="looks planned in sequential mode")
    spending: Spending = Field(
        default="hsd",
        description="how alpha is spent over the looks: Hwang-Shih-DeCani, or like"
        " O'Brien and Fleming (late) or Pocock (even)",
    )
    gamma: float = Field(
        default=-1.75, ge=-20, le=5, description="hsd only: lower spends later; 1 is like Pocock"
    )
    futility: float = Field(
        default=0.2,
        ge=0,
        lt=0.5,
        description="stop when the chance to show the smallest effect falls below this; 0: never",
    )
    retest_factor: float = Field(
        default=2.0,
        ge=1,
        description="a trend is promising if this many times the plans would have shown it",
    )
    adjust: Literal["none", "difficulty"] = Field(
        default="none", description="difficulty: take out what older runs know about each plan"
    )
    max_missing: float = Field(
        default=0.2, ge=0, lt=1, description="largest share of pairs that may lack a side"
    )
    guard_alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="level of each guard, shared among the models"
    )
    model_margin: float | None = Field(
        default=0.05, ge=0, le=1, description="no model may be shown to lose more; None: off"
    )
    validity_margin: float | None = Field(
        default=0.0,
        ge=0,
        le=1,
        description="the share of valid answers may not be shown to fall by more; None: off",
    )
    latency_ratio: float | None = Field(
        default=None, gt=0, description="most of candidate / baseline, median seconds; None: off"
    )
    latency_p90_ratio: float | None = Field(
        default=None, gt=0, description="the same for the 90th percentile; None: off"
    )
    cost_ratio: float | None = Field(
        default=None, gt=0, description="most of candidate / baseline, mean dollars; None: off"
    )
    verify: VerifyRule = Field(
        default="if_given",
        description="required: no YES before the verify plans confirm it; if_given: they are used"
        " when they were read; off: never used",
    )
    verify_alpha: float = Field(
        default=0.10,
        gt=0,
        lt=0.5,
        description="level of the verify gate; it can only lower a verdict, so a lenient level"
        " never raises the false keeps above alpha",
    )
    simpler_margin: float | None = Field(
        default=0.03,
        gt=0,
        le=1,
        description="a shorter prompt wins if it is shown to lose less than this; None: off",
    )
    simpler_shorter: float = Field(
        default=0.05, ge=0, lt=1, description="how much shorter it must be, as a share"
    )
    ledger: LedgerRule = Field(
        default=LedgerRule(), description="how much alpha each iteration is granted"
    )
    retest_alpha: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="after a merge: the chance that its re-tests, however many, ever call it worse"
        " although it is not",
    )
    revert_when_worse: Literal["report", "leave_open", "pull_request"] = Field(
        default="report",
        description="a merge that turns out worse; report: it is reported; pull_request: also"
        " reverted by a pull request; leave_open: that pull request is left to its reviewers",
    )
    rule_version: RuleVersion = Field(
        default=UNNAMED_RULE,
        description="3: sealed plans decide, train plans screen; 2: differences below 1e-9 are"
        " ties, and the test's lattice is chosen from all values; 1: the rule of verdicts from"
        " before, to replay them",
    )
    seed: int = Field(default=0, description="decides the order in which a trial takes the plans")

    @property
    def tie(self) -> float:
        """Differences of two scores below this are ties."""
        return TIE if self.rule_version > 1 else 0.0

    @property
    def seals(self) -> bool:
        """Whether the sealed verify plans decide, and the train plans only screen."""
        return self.rule_version >= RULE

    def replicates_for(self, *, binary: bool, deterministic: bool) -> int:
        """Runs per model, plan and side of a confirmation; `replicates` before rule 3."""
        if not self.seals:
            return self.replicates
        if deterministic:
            return 1
        if self.confirm_replicates != "auto":
            return self.confirm_replicates
        return BINARY_REPLICATES[self.test] if binary else 1

    def at_alpha(self, alpha: float) -> "Policy":
        """This policy at the level that the ledger granted. Raises AlphaSpent if that is none."""
        if alpha <= 0:
            raise AlphaSpent(
                f"The ledger grants policy {self.name!r} no more alpha: its trials are used up."
                " Renew the plans and set ledger.since in the policy's file to the number of the"
                " next iteration, or raise ledger.iterations or ledger.budget there."
            )
        return self.model_copy(update={"alpha": alpha})
