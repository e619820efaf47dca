"""What a benchmark writes: results.json. Accuracies are in [0, 1], times seconds, costs dollars."""

from typing import Literal

from pydantic import Field

from prompt_lab.records import VERSION, Record

Validity = Literal["VALID", "INVALID"]
Purpose = Literal["benchmark", "selection", "test"]
STARTS = 8
"""Cold starts of a usual test: the fewest at which a strong effect is adopted reliably."""
WarmUpStatus = Literal["off", "complete", "timed out", "failed"]


class PlanResult(Record):
    """One plan over all repeats."""

    plan: str
    pattern: str = Field(description="P or F for each repeat that counts, in their order")
    runs: tuple[str, ...] = Field(description="run folders, relative to the lab")
    cost_usd: float = Field(default=0.0, description="of all these runs")

    @property
    def is_flaky(self) -> bool:
        """Whether it passed in some repeats and failed in others."""
        return len(set(self.pattern)) > 1


class RepeatResult(Record):
    """One repeat: all plans asked once."""

    repeat: int
    pattern: str = Field(description="P or F by position: the order in which they were asked")
    accuracy: float


class Excluded(Record):
    """A run that was asked for and scores nothing."""

    run: str
    reason: str


class WarmUpResult(Record):
    """What became of a warm-up."""

    model: str
    status: WarmUpStatus
    seconds: float = 0.0
    message: str = ""


class ModelPhaseResult(Record):
    """One model on one suite."""

    model: str
    phase: str
    asked_model: str = Field(default="", description="whose place it took, by routing")
    validity: Validity = "VALID"
    reasons: tuple[str, ...] = ()
    passed: int = 0
    total: int = 0
    accuracy: float | None = None
    low: float | None = Field(default=None, description="95 % interval, plan-clustered")
    high: float | None = None
    effective: float = Field(default=0.0, description="independent answers that the total is worth")
    variance_within: float = Field(default=0.0, description="mean over plans, between its repeats")
    variance_between: float = Field(default=0.0, description="of the repeats' accuracies")
    valid_answers: int = 0
    answered_by: tuple[str, ...] = ()
    plans: tuple[PlanResult, ...] = ()
    repeats: tuple[RepeatResult, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    calls: int = 0
    cost_usd: float = 0.0
    latency_median: float | None = None
    latency_p90: float | None = None

    @property
    def key(self) -> str:
        """How feedback and rules name it."""
        return f"{self.model}::{self.phase}"

    @property
    def flaky(self) -> tuple[str, ...]:
        """Plans that passed in some repeats and failed in others."""
        return tuple(plan.plan for plan in self.plans if plan.is_flaky)


class BlockedModel(Record):
    """A model that routing kept from the suite; nothing ran in its place."""

    model: str
    phase: str
    reason: str


class BenchmarkResults(Record):
    """results.json: written last, so its presence means that the benchmark is finished."""

    version: int = VERSION
    number: int
    id: str = Field(description="of this invocation: the runs' batch carries it")
    suite: str
    phase: str
    suite_sha256: str = Field(description="of the suite, its plans' content and its scorer")
    step: str
    commit: str
    repeats: int
    started: str
    ended: str
    forced: bool = False
    purpose: Purpose = Field(
        default="benchmark", description="feedback and routing look at benchmarks alone"
    )
    models: tuple[ModelPhaseResult, ...]
    blocked: tuple[BlockedModel, ...] = ()
    warm_up: tuple[WarmUpResult, ...] = ()
    warm_up_enabled: bool = False

    @property
    def path(self) -> str:
        """Its folder, relative to the lab."""
        return f"benchmarks/{self.number}_{self.suite}"
