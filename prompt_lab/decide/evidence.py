"""What the guards look at besides the pairs. Everything is optional; absent means unread."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prompt_lab.decide.pairs import Pair
from prompt_lab.decide.reasons import Reason
from prompt_lab.decide.result import Screening


class _EvidenceModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Validity(_EvidenceModel):
    """How many answers of each side were valid, of how many."""

    baseline_valid: int = Field(ge=0, description="valid answers of the baseline")
    baseline_total: int = Field(ge=0, description="all answers of the baseline")
    candidate_valid: int = Field(ge=0, description="valid answers of the candidate")
    candidate_total: int = Field(ge=0, description="all answers of the candidate")

    by_plan: tuple[float, ...] = Field(
        default=(),
        description="per plan: the candidate's share of valid answers less the baseline's, over"
        " models and replicates; the plan is the unit of the guard from rule 3 on",
    )

    @model_validator(mode="after")
    def _valid_within_total(self) -> "Validity":
        if self.baseline_valid > self.baseline_total or self.candidate_valid > self.candidate_total:
            raise ValueError("more valid answers than answers")
        return self


class Amounts(_EvidenceModel):
    """One number per run and side: seconds, or US dollars."""

    baseline: tuple[float, ...] = Field(description="one number per run of the baseline")
    candidate: tuple[float, ...] = Field(description="one number per run of the candidate")


class Lengths(_EvidenceModel):
    """The length of the prompt on each side, in any one unit (tokens, characters)."""

    baseline: int = Field(ge=0, description="length of the baseline's prompt")
    candidate: int = Field(ge=0, description="length of the candidate's prompt")


class Evidence(_EvidenceModel):
    """All that may lower or void a verdict. A part that is None leaves its guard off."""

    provenance: tuple[Reason, ...] = Field(
        default=(), description="findings that void the comparison; any makes the verdict INVALID"
    )
    violations: tuple[str, ...] = Field(
        default=(), description="rules of the policy that the candidate broke, one sentence each"
    )
    remarks: tuple[Reason, ...] = Field(
        default=(), description="warnings that are shown with any verdict and change none"
    )
    validity: Validity | None = Field(default=None, description="valid answers of each side")
    latency: Amounts | None = Field(default=None, description="seconds per run")
    cost: Amounts | None = Field(default=None, description="US dollars per run")
    lengths: Lengths | None = Field(default=None, description="length of each side's prompt")
    verify_pairs: tuple[Pair, ...] | None = Field(
        default=None, description="pairs of the verify plans; None as long as they are unread"
    )
    screening: Screening | None = Field(
        default=None, description="what the train plans showed; it goes into the verdict"
    )
    baseline: dict[str, float] = Field(
        default_factory=dict,
        description="plan -> mean score of the baseline before this trial: the trial takes easy"
        " and hard plans in equal shares; may be empty",
    )
    difficulty: dict[str, float] | None = Field(
        default=None,
        description="plan -> its mean score in older runs; used where the policy adjusts for it",
    )
