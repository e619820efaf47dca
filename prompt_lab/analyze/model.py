"""Records of what the `metrics` analyst measured over the runs of one batch.

Each field says whether it counts runs or texts; a number that is unknown is None, never 0.
"""

from pydantic import Field

from prompt_lab.analyze.model_texts import (
    Copied,
    Duplicates,
    Identical,
    LengthRatio,
    OpeningPhrase,
    Phrase,
    Placeholder,
    SharedWords,
)
from prompt_lab.names import Side
from prompt_lab.records import Record

__all__ = [
    "Copied",
    "Duplicates",
    "ErrorKind",
    "FieldAccuracy",
    "FieldAgreement",
    "Flip",
    "Identical",
    "LengthRatio",
    "Metrics",
    "ModelStats",
    "OpeningPhrase",
    "Phrase",
    "Placeholder",
    "ScoreCell",
    "SharedWords",
    "SideStats",
    "Wrong",
]


class SideStats(Record):
    """The runs of one side, of one model or of all. Failed runs count with score 0."""

    n: int = Field(description="runs")
    ok: int = Field(description="runs that ended without an error")
    errors: int
    valid: float = Field(description="share of runs whose answer met the step's own contract")
    primary: float = Field(description="mean of the primary score")
    parts: dict[str, float] = Field(description="part -> mean over the runs")
    latency_median: float = Field(description="seconds of the model's calls, without the queue")
    latency_p90: float
    input_tokens: int
    output_tokens: int
    cost_usd: float
    calls: int
    retries: int
    reused: int = Field(default=0, description="runs taken over from an earlier iteration")


class ModelStats(Record):
    """One model before and after; a side without runs is None."""

    model: str
    baseline: SideStats | None = None
    candidate: SideStats | None = None


class ScoreCell(Record):
    """Mean primary score of one model on one plan over its replicates."""

    model: str
    plan: str
    baseline: float | None = None
    candidate: float | None = None
    n_baseline: int = 0
    n_candidate: int = 0
    baseline_path: str = Field(default="", description="run folder of the lowest score")
    candidate_path: str = ""


class Flip(Record):
    """A pair whose score or validity changed between the sides in a way that a reader looks up."""

    model: str
    plan: str
    replicate: int
    baseline: float
    candidate: float
    baseline_path: str
    candidate_path: str
    better: bool


class ErrorKind(Record):
    """All errors of one kind by one model on one side."""

    side: Side
    model: str
    kind: str
    count: int
    plans: tuple[str, ...]
    example: str = Field(description="one message, verbatim")
    path: str = Field(description="run folder that holds the example")


class Wrong(Record):
    """A wrong value as often as it was seen; `path` is one run where it was."""

    gold: str
    got: str = Field(description="'' where the field is missing")
    count: int
    path: str


class FieldAccuracy(Record):
    """One field against gold on one side; `model` is '' for all models together.

    A wrong value is missing, taken from elsewhere in the plan's inputs, or made up.
    """

    side: Side
    model: str
    field: str
    n: int = Field(description="gold values")
    right: float = Field(description="share that is equal once spelling variants are normalised")
    credit: float | None = Field(
        default=None, description="mean part of the step's score that is called like the field"
    )
    similarity: float = Field(description="mean similarity of characters in [0, 1]")
    missing: int
    from_input: int
    made_up: int
    wrong: tuple[Wrong, ...] = ()


class FieldAgreement(Record):
    """How often both sides of a pair give the same value in a field; `model` '' is all models."""

    model: str
    field: str
    n: int = Field(description="pairs of runs in which at least one side has the field")
    same: float = Field(description="mean share of the field's values that both sides have")


class Metrics(Record):
    """Everything measured. With one side only, what compares sides is empty."""

    version: int = 1
    primary: str = Field(description="name of the part that is judged")
    plans: tuple[str, ...]
    replicates: int
    lost: int = Field(default=0, description="pairs left out, since one side has no run")
    totals: ModelStats = Field(description="all models together; its model is ''")
    models: tuple[ModelStats, ...]
    cells: tuple[ScoreCell, ...]
    flips: tuple[Flip, ...] = ()
    errors: tuple[ErrorKind, ...] = ()
    accuracy: tuple[FieldAccuracy, ...] = ()
    agreement: tuple[FieldAgreement, ...] = ()
    lengths: tuple[LengthRatio, ...] = ()
    openers: tuple[OpeningPhrase, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    duplicates: tuple[Duplicates, ...] = ()
    placeholders: tuple[Placeholder, ...] = ()
    copied: tuple[Copied, ...] = ()
    identical: tuple[Identical, ...] = ()
    recorded: bool = Field(
        default=False, description="answers depended on the caller, not on the request"
    )
    prompt_tokens: dict[Side, int] = Field(
        default_factory=dict, description="estimated length of each side's prompt, where given"
    )

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that have runs."""
        both = ((Side.BASELINE, self.totals.baseline), (Side.CANDIDATE, self.totals.candidate))
        return tuple(side for side, stats in both if stats is not None)
