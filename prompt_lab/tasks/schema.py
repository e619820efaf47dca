"""task.yaml: what may change, how a candidate is made, run and scored, and when it is kept."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from prompt_lab.config.base import load
from prompt_lab.decide.limits import fewest_plans
from prompt_lab.errors import ConfigError
from prompt_lab.tasks.paths import (
    folder_or_file,
    no_twins,
    repository_path,
    suffix,
    variable,
    words,
)

Mode = Literal["exact", "sequential", "fixed", "anytime"]
Below = Annotated[str, AfterValidator(folder_or_file)]
FromRoot = Annotated[str, AfterValidator(repository_path)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Mutation(_Part):
    """How much one candidate may change. Lines are added and removed ones together."""

    max_files: int = Field(default=1, ge=1, description="files that one candidate may change")
    max_lines: int = Field(default=40, ge=1, description="lines added and removed, all files")
    file_types: tuple[Annotated[str, AfterValidator(suffix)], ...] = Field(
        default=(), description="suffixes that a changed file may have, '.md'; none given: any"
    )
    may_delete: bool = Field(default=False, description="whether an artifact may be deleted")


class Command(_Part):
    """A command: words, never a shell. It runs in the sandbox."""

    command: tuple[str, ...] = Field(
        min_length=1,
        description="a list of words, or one line that is split into words as a shell splits it",
    )
    cwd: FromRoot = Field(
        default=".", description="folder to run in, relative to the repository's root"
    )
    timeout_seconds: float = Field(default=60.0, gt=0, le=86400, description="then it is ended")

    @field_validator("command", mode="before", json_schema_input_type=str | tuple[str, ...])
    @classmethod
    def _split(cls, value: object) -> object:
        return words(value) if isinstance(value, str) else value

    @field_validator("command")
    @classmethod
    def _whole(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value[0].strip() or any("\0" in word for word in value):
            raise ValueError("must name a program, and no word may hold a NUL")
        return value


class Parse(_Part):
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


class Objective(_Part):
    """What is better, and from where on it is good enough."""

    direction: Literal["maximize", "minimize"] = Field(
        default="maximize", description="whether a higher or a lower score is better"
    )
    minimum_gain: float = Field(
        default=0.0, ge=0, description="a keep gains more than this, in units of the score"
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


class Bound(_Part):
    """Where a metric of the candidate must lie."""

    min: float | None = Field(default=None, description="at least this")
    max: float | None = Field(default=None, description="at most this")

    @model_validator(mode="after")
    def _some(self) -> "Bound":
        if self.min is None and self.max is None:
            raise ValueError("give 'min', 'max' or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' is above 'max'")
        return self


class Keep(_Part):
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


class Budget(_Part):
    """What a campaign may spend in all."""

    seconds: float = Field(default=3600.0, gt=0, description="wall time")
    iterations: int = Field(default=20, ge=1, description="attempts")
    usd: float | None = Field(
        default=None, ge=0, description="money, by the metric 'cost_usd' and the mutator's own word"
    )


class Limits(_Part):
    """What each command may take."""

    memory_mb: int = Field(default=2048, ge=16, description="of all its processes together")
    processes: int = Field(default=128, ge=1, description="at the same time, threads included")
    output_mb: int = Field(default=16, ge=1, description="that it may print")
    file_mb: int = Field(default=64, ge=1, description="of one file, and of all that it writes")


class Logging(_Part):
    """What is kept of each attempt."""

    output_kb: int = Field(default=32, ge=1, le=4096, description="of each command's prints")


class Task(_Part):
    """One task.yaml."""

    id: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="its name: a-z, 0-9, '-' and '_'"
    )
    description: str = Field(default="", description="what is improved, for people and agents")
    artifacts: tuple[Below, ...] = Field(
        min_length=1,
        description="what may change, relative to the task's folder: files; 'folder/': all below",
    )
    mutation: Mutation = Field(default=Mutation(), description="how much may change at once")
    mutator: Command | None = Field(
        default=None, description="makes a candidate; not needed where one is given"
    )
    runner: Command | None = Field(default=None, description="runs the candidate, before scoring")
    scorer: Scorer = Field(description="scores it")
    evaluator: tuple[FromRoot, ...] = Field(
        default=(),
        description="further files and folders that score, relative to the repository's root:"
        " data, helpers. The files that commands name are known by themselves",
    )
    outputs: tuple[FromRoot, ...] = Field(
        default=("work",),
        min_length=1,
        description="where the runner may write, relative to the repository's root; what it writes"
        " elsewhere is taken away before the scorer runs",
    )
    objective: Objective = Field(default=Objective(), description="what is better")
    constraints: dict[str, Bound] = Field(
        default={}, description="metric -> where it must lie for a keep"
    )
    policy: Keep = Field(default=Keep(), description="when a candidate is kept")
    budget: Budget = Field(default=Budget(), description="of a campaign")
    limits: Limits = Field(default=Limits(), description="of each command")
    network: bool = Field(default=False, description="whether commands may use the network")
    environment: tuple[Annotated[str, AfterValidator(variable)], ...] = Field(
        default=(), description="names of variables of ours that commands are given; never a key"
    )
    jail: Literal["auto", "required", "off"] = Field(
        default="auto",
        description="the file-system jail: auto: where this machine allows it; required: crash"
        " where it does not; off: never",
    )
    logging: Logging = Field(default=Logging(), description="what is kept of an attempt")

    @field_validator("artifacts")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return no_twins(value)

    @model_validator(mode="after")
    def _score_is_an_output(self) -> "Task":
        file = self.scorer.parse.file
        if file and not any(repository_path(file).startswith(f"{o}/") for o in self.outputs):
            raise ValueError("scorer.parse.file must lie below one of 'outputs'")
        return self

    @model_validator(mode="after")
    def _can_be_kept(self) -> "Task":
        if self.policy.mode == "exact":
            return self
        if self.objective.low is None or self.objective.high is None:
            raise ValueError(
                f"policy.mode {self.policy.mode!r} needs objective.low and objective.high: the"
                " lowest and the highest score there can be"
            )
        fewest = fewest_plans(self.policy.alpha)
        if not self.scorer.parse.cases_field and self.policy.replicates < fewest:
            raise ValueError(
                f"policy.replicates: {self.policy.replicates} can never show a gain at alpha"
                f" {self.policy.alpha:g}: it takes {fewest}, or scorer.parse.cases_field"
            )
        return self


def task_schema() -> dict[str, Any]:
    """The JSON schema of a task.yaml, for editors."""
    return published(Task, "A task of Prompt Lab's task engine: task.yaml")


def published(kind: type[BaseModel], title: str) -> dict[str, Any]:
    """A model's JSON schema under a title of its own, which names the standard that it is in."""
    schema = kind.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def read_task(path: Path) -> Task:
    """The task of a file. Raises ConfigError with `file:line: key: what is wrong`, all at once."""
    if path.is_dir():
        raise ConfigError([f"{path}: is a folder: name the task.yaml in it"])
    return load(path, Task)
