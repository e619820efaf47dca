"""What the meta loop writes: one record for each cycle, and the history of all."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from prompt_lab.benchmark.candidates import HarnessCandidate
from prompt_lab.records import VERSION, Record


class CycleBaseline(Record):
    """What a loop improves: a model on a suite and its phase."""

    model: str
    suite: str
    phase: str


class SelectedCandidate(Record):
    """How one candidate did in the selection."""

    name: str
    passed: int
    total: int


class CycleResults(Record):
    """CYCLE_<n>_RESULTS.json. Accuracies are in [0, 1]."""

    version: int = VERSION
    cycle: int
    generated_at: str
    baseline: CycleBaseline
    ran: str = Field(default="", description="the model that ran as baseline: by tuning or routing")
    baseline_accuracy: float | None = Field(default=None, description="on the whole suite")
    baseline_low: float | None = Field(default=None, description="95 % interval, plan-clustered")
    baseline_high: float | None = None
    benchmarks: tuple[int, ...] = ()
    candidates: tuple[HarnessCandidate, ...] = ()
    skipped: tuple[str, ...] = Field(default=(), description="candidates left out, with the reason")
    selection: tuple[SelectedCandidate, ...] = ()
    winner: str = Field(default="", description="alias of the winner of the selection")
    test: str = Field(default="", description="pairs of plans, or cold starts")
    tested_baseline: float | None = Field(default=None, description="accuracy in the test")
    tested_winner: float | None = None
    outcome: str = Field(default="", description="the verdict; '' where nothing was tested")
    reason: str = ""
    p_value: float | None = None
    alpha: float = 0.0
    effect: float | None = None
    low: float | None = Field(default=None, description="interval of the effect, 1 - 2 alpha")
    high: float | None = None
    changed: bool = Field(default=False, description="whether the winner became the baseline")
    config_version: int = 0
    pull: str = Field(default="", description="address of the pull request on the configuration")
    pull_state: str = Field(default="", description="open, merged or closed when the cycle ended")
    blocked: tuple[str, ...] = Field(default=(), description="model::phase that routing blocks")


class MetaLoopHistory(Record):
    """meta_loop_history.json; of older versions a bare list of cycles."""

    version: int | str = VERSION
    cycles: tuple[
        Annotated[CycleResults | dict[str, Any], Field(union_mode="left_to_right")], ...
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, data: Any) -> Any:
        return {"version": 0, "cycles": data} if isinstance(data, list) else data


class OpenCycle(Record):
    """What an unfinished cycle was begun with; a change of the config reaches the next one."""

    number: int
    tuned: str = Field(description="alias that the baseline's model runs under")
    candidates: tuple[HarnessCandidate, ...] | None = Field(
        default=None, description="None before the baseline has run"
    )
    skipped: tuple[str, ...] = ()


class OpenLoop(Record):
    """open_loop.json: the cycles that a command asked for and has not finished."""

    baseline: CycleBaseline
    last: int
    cycle: OpenCycle | None = None
