"""task.yaml: what may change, how a candidate is made, run and scored, and when it is kept."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from prompt_lab.config.base import load
from prompt_lab.decide.limits import fewest_plans
from prompt_lab.errors import ConfigError
from prompt_lab.task_engine.parts import (
    Below,
    Bound,
    CampaignBudget,
    Command,
    CommandLimitsConfig,
    FromRoot,
    Keep,
    Logging,
    Mutation,
    Objective,
    Scorer,
    TaskModel,
)
from prompt_lab.task_engine.paths import no_twins, repository_path, variable

MOST_BYTES = 1 << 18


class Task(TaskModel):
    """One task.yaml."""

    id: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="its name: a-z, 0-9, '-' and '_'"
    )
    description: str = Field(default="", description="what is improved, for people and agents")
    artifacts: tuple[Below, ...] = Field(
        json_schema_extra={"minItems": 1},
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
        json_schema_extra={"minItems": 1},
        description="where the runner may write, relative to the repository's root; what it writes"
        " elsewhere is taken away before the scorer runs",
    )
    objective: Objective = Field(default=Objective(), description="what is better")
    constraints: dict[str, Bound] = Field(
        default={}, max_length=100, description="metric -> where it must lie for a keep"
    )
    policy: Keep = Field(default=Keep(), description="when a candidate is kept")
    budget: CampaignBudget = Field(default=CampaignBudget(), description="of a campaign")
    limits: CommandLimitsConfig = Field(
        default=CommandLimitsConfig(), description="of each command"
    )
    network: bool = Field(default=False, description="whether commands may use the network")
    environment: tuple[Annotated[str, AfterValidator(variable)], ...] = Field(
        default=(), description="names of variables of ours that commands are given; never a key"
    )
    jail: Literal["auto", "required", "off"] = Field(
        default="auto",
        description="required: crash where the operator allows commands without a sandbox; auto,"
        " off: as the operator says. No task can do without the sandbox by itself",
    )
    logging: Logging = Field(default=Logging(), description="what is kept of an attempt")

    @field_validator("artifacts")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return no_twins(value)

    @field_validator("jail", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        # YAML takes the word off, unquoted, for false.
        return "off" if value is False else value

    @field_validator("artifacts", "outputs")
    @classmethod
    def _check_any(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one")
        return value

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
    if not path.exists():
        raise ConfigError([f"{path}: there is no such file: name a task.yaml"])
    if path.exists() and (not path.is_file() or path.stat().st_size > MOST_BYTES):
        raise ConfigError([f"{path}: is no task.yaml: a file of {MOST_BYTES >> 10} KB at most"])
    return load(path, Task)
