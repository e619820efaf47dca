"""harness_feedback.json, as this version writes it and older ones did."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from prompt_lab.records import VERSION, Record


class PhaseAccuracy(Record):
    """A model on a phase, over the recent benchmarks."""

    passed: int
    total: int
    accuracy: float | None = None
    low: float | None = Field(default=None, description="95 % interval, plan-clustered")
    high: float | None = None
    runs: tuple[str, ...] = ()


class HotFailure(Record):
    """A plan that a model fails again and again."""

    key: str = Field(description="model::phase::plan")
    count: int
    runs: tuple[str, ...] = ()


class Recommendation(Record):
    """What the feedback proposes."""

    type: str = Field(
        description="routing, warm_up, price (these make rules), cheaper; older files have others"
    )
    model: str
    phase: str
    target: str = Field(default="", description="model::phase")
    action: str = ""
    reason: str = ""
    allow: bool = True
    fallback: str = ""
    requirements: tuple[str, ...] = ()
    provisional: bool = False
    runs: tuple[str, ...] = Field(
        default=(), description="run folders that it rests on, relative to the lab"
    )
    benchmarks: tuple[str, ...] = Field(default=(), description="the benchmarks that made them")

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, data: Any) -> Any:
        """Older files have null where nothing is to be said."""
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None}


class HarnessFeedback(Record):
    """The feedback over the recent benchmarks."""

    version: int = VERSION
    generated_at: str
    recent_runs: int | tuple[str, ...] | list[object] = ()
    left_out: dict[str, str] = Field(
        default={}, description="recent benchmark -> why it counts nowhere"
    )
    model_phase_accuracy: dict[str, PhaseAccuracy] = {}
    hot_failures: tuple[HotFailure, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
