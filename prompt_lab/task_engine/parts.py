"""The parts of a task.yaml: mutation, commands, objective, policy, budget, limits."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from prompt_lab.task_engine.paths import (
    folder_or_file,
    repository_path,
    split_command,
    suffix,
)

Mode = Literal["exact", "sequential", "fixed", "anytime"]
Below = Annotated[str, AfterValidator(folder_or_file)]
FromRoot = Annotated[str, AfterValidator(repository_path)]


MOST_MB = 1 << 24
"""16 terabytes: what no machine has, and every counter of the kernel can hold."""


class TaskModel(BaseModel):
    """Frozen; an unknown key is a fault, and so is a number that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Mutation(TaskModel):
    """How much one candidate may change. Lines are added and removed ones together."""

    max_files: int = Field(default=1, ge=1, description="files that one candidate may change")
    max_lines: int = Field(default=40, ge=1, description="lines added and removed, all files")
    file_types: tuple[Annotated[str, AfterValidator(suffix)], ...] = Field(
        default=(), description="suffixes that a changed file may have, '.md'; none given: any"
    )
    may_delete: bool = Field(default=False, description="whether an artifact may be deleted")


class Command(TaskModel):
    """A command: words, never a shell. It runs in the sandbox."""

    command: tuple[str, ...] = Field(
        json_schema_extra={"minItems": 1},
        description="a list of words, or one line that is split into words as a shell splits it",
    )
    cwd: FromRoot = Field(
        default=".", description="folder to run in, relative to the repository's root"
    )
    timeout_seconds: float = Field(default=60.0, gt=0, le=86400, description="then it is ended")

    @field_validator("command", mode="before", json_schema_input_type=str | tuple[str, ...])
    @classmethod
    def _split(cls, value: object) -> object:
        return split_command(value) if isinstance(value, str) else value

    @field_validator("command")
    @classmethod
    def _check_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not value[0].strip() or any("\0" in word for word in value):
            raise ValueError("must name a program, and no word may hold a NUL")
        return value


class Parse(TaskModel):
    """How the score is read from what the scorer says."""

    format: Literal["json"] = Field(default="json", description="one JSON object, nothing else")
    file: str = Field(
        default="",
        description="the file that the scorer writes, relative to the repository's root and below"
        " one of 'outputs'; empty: its standard output",
    )
    score_field: str = Field(default="score", min_length=1, description="key of the score")
    metrics_field: str = Field(
        default="metrics", description="key of an object of further numbers; it may be missing"
    )
    cases_field: str = Field(
        default="",
        description="key of an object: case -> its score; where given, cases are what the"
        " verdict counts, not replicates",
    )


class Scorer(Command):
    """The command that scores what the runner left, or the artifacts themselves."""

    type: Literal["command"] = Field(default="command", description="the only kind there is")
    parse: Parse = Field(default=Parse(), description="how its score is read")


class Objective(TaskModel):
    """What is better, and from where on it is good enough."""

    direction: Literal["maximize", "minimize"] = Field(
        default="maximize", description="whether a higher or a lower score is better"
    )
    minimum_gain: float = Field(
        default=0.0,
        ge=0,
        description="a keep gains at least this, in units of the score; 0: any gain",
    )
    low: float | None = Field(default=None, description="the lowest score there can be")
    high: float | None = Field(default=None, description="the highest score there can be")
    goal: float | None = Field(
        default=None, description="a campaign ends when the kept score reaches this"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Objective":
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("'low' must be below 'high'")
        return self


class Bound(TaskModel):
    """Where a metric of the candidate must lie."""

    min: float | None = Field(default=None, description="at least this")
    max: float | None = Field(default=None, description="at most this")

    @model_validator(mode="after")
    def _check_any(self) -> "Bound":
        if self.min is None and self.max is None:
            raise ValueError("give 'min', 'max' or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' is above 'max'")
        return self


class Keep(TaskModel):
    """When a candidate is kept. Every mode but 'exact' is the engine of verdicts."""

    mode: Mode = Field(
        default="exact",
        description="exact: the scorer gives equal scores for equal input, which is checked, and"
        " any gain counts; sequential, fixed, anytime: the gain must be shown over replicates or"
        " cases",
    )
    replicates: int = Field(
        default=1, ge=1, le=1000, description="scorings of each side, each with a seed of its own"
    )
    alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="chance of keeping what changes nothing"
    )
    smallest_effect: float = Field(
        default=0.10, gt=0, le=1, description="smallest gain worth having, as a share of the range"
    )
    without_baseline: Literal["keep", "discard"] = Field(
        default="keep", description="what becomes of a candidate where no baseline can be scored"
    )


class CampaignBudget(TaskModel):
    """What a campaign may spend in all."""

    seconds: float = Field(default=3600.0, gt=0, description="wall time")
    iterations: int = Field(default=20, ge=1, description="attempts")
    usd: float | None = Field(
        default=None, ge=0, description="money, by the metric 'cost_usd' and the mutator's own word"
    )


class CommandLimitsConfig(TaskModel):
    """What each command may take."""

    memory_mb: int = Field(
        default=2048, ge=16, le=MOST_MB, description="of all its processes together"
    )
    processes: int = Field(
        default=128, ge=1, le=1_000_000, description="at the same time, threads included"
    )
    output_mb: int = Field(default=16, ge=1, le=65_536, description="that it may print")
    file_mb: int = Field(
        default=64, ge=1, le=MOST_MB, description="of one file, and of all that it writes"
    )


class Logging(TaskModel):
    """What is kept of each attempt."""

    output_kb: int = Field(default=32, ge=1, le=4096, description="of each command's prints")
