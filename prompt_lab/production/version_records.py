"""Records of what sessions under two prompt versions show side by side."""

from pydantic import Field

from prompt_lab.records import VERSION, Record

OBSERVATIONAL = (
    "Observational: before and after differ in more than the prompt. The paired trial is the"
    " evidence."
)


class MetricChange(Record):
    """One measure before and after."""

    name: str = Field(description="cost, failures, thumbs down, or messages")
    before: float = Field(description="mean of a session; for failures and thumbs a share")
    after: float
    change: float = Field(description="after less before; for cost and messages relative to before")
    interval: tuple[float, float] | None = Field(description="95 % of the change")
    p_value: float = Field(description="one-sided, that it got worse")
    is_worse: bool = False


class VersionComparison(Record):
    """Sessions under a version against those under the one before it."""

    version: int = VERSION
    prompt_id: str = Field(description="'' where traces only name the version of the whole")
    before: str
    after: str
    sessions_before: int
    sessions_after: int
    metrics: tuple[MetricChange, ...]
    note: str = OBSERVATIONAL

    @property
    def worse(self) -> tuple[str, ...]:
        """The measures that got worse."""
        return tuple(metric.name for metric in self.metrics if metric.is_worse)


class RollbackDecision(Record):
    """Whether a version is to be rolled back; another part carries it out."""

    prompt_id: str
    from_version: str
    to_version: str
    flagged: bool = Field(description="it does worse")
    roll_back: bool = Field(description="and the policy is a person's standing order to return")
    reason: str
