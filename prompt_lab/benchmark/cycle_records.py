"""What the meta loop writes: one record for each cycle, and the history of all."""

from typing import Any

from pydantic import Field, model_validator

from prompt_lab.benchmark.candidates import HarnessCandidate
from prompt_lab.records import VERSION, Record


class CycleBaseline(Record):
    """What a loop improves: a model on a suite and its phase."""

    model: str
    suite: str
    phase: str


class CycleResults(Record):
    """CYCLE_<n>_RESULTS.json."""

    version: int = VERSION
    cycle: int
    generated_at: str
    baseline: CycleBaseline
    ran: str = Field(default="", description="the model that ran as baseline: by tuning or routing")
    baseline_accuracy: float | None = None
    benchmarks: tuple[int, ...] = ()
    candidates: tuple[HarnessCandidate, ...] = ()
    winner: str = ""
    outcome: str = Field(default="", description="the verdict; '' where nothing was tested")
    reason: str = ""
    p_value: float | None = None
    alpha: float = 0.0
    effect: float | None = None
    changed: bool = Field(default=False, description="whether the winner became the baseline")
    config_version: int = 0
    blocked: tuple[str, ...] = Field(default=(), description="model::phase that routing blocks")


class MetaLoopHistory(Record):
    """meta_loop_history.json; of older versions a bare list of cycles."""

    version: int | str = VERSION
    cycles: tuple[CycleResults | dict[str, Any], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, data: Any) -> Any:
        return {"version": 0, "cycles": data} if isinstance(data, list) else data


class OpenLoop(Record):
    """open_loop.json: the cycles that a command asked for and has not finished."""

    baseline: CycleBaseline
    last: int
