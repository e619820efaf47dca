"""One call whose prompt was prepared, and what became of it: a row of the outcome log.

Times are UTC in ISO 8601, durations milliseconds, money US dollars, scores and shares in [0, 1].
"""

from typing import Any, Final, Literal, NamedTuple

from pydantic import Field

from prompt_lab.records import VERSION, Record

Arm = Literal["", "control", "canary"]
"""'' is traffic outside of a canary's two arms; it gets the current text."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", (), {})


class CallOutcome(Record):
    """What became of one call whose prompt was prepared: a row of the outcome log."""

    version: int = VERSION
    trace: str = Field(description="id that `prepare` gave; rows of one trace are one outcome")
    when: str
    prompt_id: str = ""
    task_class: str = ""
    variant: str = Field(default="", description="sha256 of the prompt's text")
    snapshot: str = ""
    arm: Arm = ""
    unit: str = Field(default="", description="who or what asked (hashed): the unit of a canary")
    model: str = ""
    success: bool | None = Field(default=None, description="None: unknown")
    score: float | None = Field(default=None, ge=0, le=1, description="composite score")
    parsed: bool | None = Field(default=None, description="the answer could be parsed")
    schema_ok: bool | None = Field(default=None, description="it kept its schema")
    confidence: float | None = Field(default=None, ge=0, le=1)
    grounding: float | None = Field(default=None, ge=0, le=1, description="share found in sources")
    source_count: int | None = Field(default=None, ge=0)
    feedback: Literal["", "up", "down"] = ""
    latency_ms: float | None = Field(default=None, ge=0)
    cost_usd: float | None = Field(default=None, ge=0)
    question: str = Field(default="", description="the input, personal data removed")
    sources: tuple[str, ...] = Field(default=(), description="texts that the answer may rest on")
    answer: str = ""
    expected: dict[str, Any] = Field(
        default={}, description="expects_any, expects_all, expect_exact, require_citations"
    )
    error: str = Field(default="", description="kind of a failed call; '' for none")

    @property
    def succeeded(self) -> bool | None:
        """`success`; where that is unknown, what the feedback says; None where nothing says it."""
        if self.success is not None:
            return self.success
        return {"up": True, "down": False}.get(self.feedback)

    @property
    def is_disputed(self) -> bool:
        """Whether the person's feedback contradicts the measured success."""
        said = {"up": True, "down": False}.get(self.feedback)
        return said is not None and self.success is not None and said != self.success


class OutcomeSummary(NamedTuple):
    """Outcomes of one (prompt id, task class, variant, arm) in a window.

    Successes and failures count `CallOutcome.succeeded`; unknown ones are in neither. Means and
    percentiles (nearest rank) are over the calls that have the figure; None where none has it.
    """

    prompt_id: str
    task_class: str
    variant: str
    arm: str
    calls: int
    successes: int
    failures: int
    thumbs_up: int
    thumbs_down: int
    disputed: int
    errors: int
    score: float | None
    grounding: float | None
    confidence: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    cost_usd: float
    costed: int
    """Calls with a known cost; `cost_usd` is their sum."""
    first: str
    last: str


def is_empty(value: object) -> bool:
    """Whether a field says nothing: None, '', () or {}; never 0 or False."""
    return any(value is one or (type(value) is type(one) and value == one) for one in _EMPTY)


def fill_outcome(first: CallOutcome, later: CallOutcome) -> CallOutcome:
    """The first row of a trace with what only the later one knows.

    >>> one = CallOutcome(trace="t", when="2026-01-01T00:00:00.000Z", success=False)
    >>> two = one.model_copy(update={"success": True, "model": "m"})
    >>> filled = fill_outcome(one, two)
    >>> filled.success, filled.model
    (False, 'm')
    """
    update = {
        name: value
        for name, value in later
        if is_empty(getattr(first, name)) and not is_empty(value)
    }
    return first.model_copy(update=update) if update else first
