"""Why a verdict is what it is: a closed set of codes, each with one sentence and its numbers."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Code(StrEnum):
    """Every reason that a verdict can carry."""

    BETTER = "better"  # shown better, over all models
    NO_HARM = "no_harm"  # shown to lose less than the margin, and measured at a gain
    SIMPLER = "simpler"  # shorter, and shown to lose no more than the margin
    CHEAPER = "cheaper"  # costs less, and shown to lose no more than the margin
    WORSE = "worse"  # shown worse
    FUTILE = "futile"  # the smallest effect worth having is out of reach
    RAN_OUT = "ran_out"  # promising, and the plans are used up
    TOO_FEW_PLANS = "too_few_plans"  # no result at all could be a YES
    SCREENED = "screened"  # the train plans let the candidate go on
    SCREENED_OUT = "screened_out"  # the train plans show no sign of a gain
    NEEDS_VERIFY_PLANS = "needs_verify_plans"  # too few sealed plans for any YES
    UNSEEN_LOSS = "unseen_loss"  # plans unlike those seen could lose what these gain
    NO_SAVING = "no_saving"  # the policy asks for a saving that is not there
    SMALL_GAIN = "small_gain"  # a warning: a YES whose gain may be below the smallest effect
    MODEL_WORSE = "model_worse"  # one model is shown to lose more than the margin
    VALIDITY_LOWER = "validity_lower"  # fewer valid answers than before
    VIOLATION = "violation"  # a rule of the policy was broken
    MISSING = "missing"  # too many pairs lack a side
    LATENCY = "latency"  # slower than the budget
    COST = "cost"  # dearer than the budget
    VERIFY_PENDING = "verify_pending"  # everything else says YES; the verify plans are unread
    VERIFY_NOT_SHOWN = "verify_not_shown"  # the verify plans do not confirm it
    VERIFY_WORSE = "verify_worse"  # the verify plans say the opposite
    NO_PAIRS = "no_pairs"  # not one pair has both sides
    VERIFY_LEAK = "verify_leak"  # what the candidate sends holds text of verify plans
    GUARD_REFUSED = "guard_refused"  # the guard of prompts refuses the candidate's text
    NOT_EXERCISED = "not_exercised"  # what changed was never loaded or sent
    WRONG_COMMIT = "wrong_commit"  # a side ran at another commit
    HEAD_MOVED = "head_moved"  # the commit changed while the runs went on
    BASE_MOVED = "base_moved"  # merged into main as it is now, other files would come of it
    DIRTY_TREE = "dirty_tree"  # a side ran with uncommitted changes
    BLOB_MISMATCH = "blob_mismatch"  # a loaded file is not the commit's
    PROMPT_MISMATCH = "prompt_mismatch"  # the prompt that was sent is not the commit's
    SHADOWED_IMPORT = "shadowed_import"  # a module came from outside the worktree, or never came
    BASELINE_DRIFTED = "baseline_drifted"  # the reused baseline no longer holds
    SKEWED = "skewed"  # a warning: few plans with skewed differences
    NO_EFFECT = "no_observable_effect"  # a warning: every pair gave the same outputs
    ONE_SIDED_FILTER = "one_sided_filter"  # a warning: answers were withheld on one side alone
    RECORDED = "recorded_answers"  # a warning: the answers do not hang on the prompt
    NEEDS_PAIRS = "needs_pairs"  # a note: what deciding would take
    OTHER = "other"  # a finding of the caller's own; its facts say which


class Reason(BaseModel):
    """One finding: `text` is a plain sentence with its numbers, `facts` the same for machines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code = Field(description="which of the documented findings this is")
    text: str = Field(description="one plain sentence with its numbers")
    facts: dict[str, str] = Field(default_factory=dict, description="the numbers and names behind")


def number(value: float) -> str:
    """A number for `facts`: short, and the same on every machine."""
    return f"{value:.6g}"


def points(value: float) -> str:
    """A share of 1 as points, with its sign.

    >>> points(0.0873)
    '+8.7'
    """
    return f"{value * 100:+.1f}"
