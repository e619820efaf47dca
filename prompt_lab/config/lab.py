"""configs/lab.yaml, configs/steps/*.yaml and configs/targets/*.yaml."""

from pathlib import PurePosixPath
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from prompt_lab.config.base import Config
from prompt_lab.config.checks import CheckConfig, check_parts
from prompt_lab.config.github import TOKENS, GitHubConfig
from prompt_lab.config.production import ProductionConfig
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import ConfigError

MOST_SECONDS = 1_000_000
"""Of one plan; what no clock can wait for is no limit."""
Names = TypeVar("Names", tuple[str, ...], dict[str, str])


def check_inside_target(value: str) -> str:
    """The path itself. Raises ValueError where it leads out of the target."""
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("must be a path inside the target")
    return value


class GatewayConfig(Config):
    """How steps in a process of their own reach their models. Other steps do not need it."""

    mode: Literal["live", "record", "replay"] = Field(
        default="live", description="record keeps every answer; replay calls nothing"
    )
    recordings: str = Field(
        default="", description="folder of the recordings; relative paths start at the lab"
    )
    by: Literal["request", "call"] = Field(
        default="request",
        description="what an answer is found by: the request, or model, plan, side and call number",
    )

    @property
    def is_recorded(self) -> bool:
        """Whether answers are given by who asks, whatever is asked: they are no evidence."""
        return self.mode == "replay" and self.by == "call"

    @model_validator(mode="after")
    def _recordings_named(self) -> "GatewayConfig":
        if self.mode != "live" and not self.recordings:
            raise ValueError(f"mode {self.mode!r} needs 'recordings:', a folder")
        return self


class LabConfig(Config):
    """What an iteration uses when the command line does not say otherwise."""

    step: str
    models: tuple[str, ...] = Field(min_length=1, description="aliases or short names")
    policy: str = Field(default="strict", description="a file of configs/policies")
    replicates: int = Field(default=1, ge=1)
    train_plans: int = Field(
        default=60, ge=1, description="most train plans that screen a candidate"
    )
    verify_plans: int = Field(
        default=1000, ge=1, description="most sealed verify plans that decide about it"
    )
    scout_plans: int = Field(
        default=10, ge=1, description="plans that the first idea is drawn from"
    )
    analysts: tuple[str, ...] = Field(
        default=("metrics",), min_length=1, description="metrics, agents, or models"
    )
    agent: str = Field(
        default="",
        description="who implements: an agent or model; a strategy if empty",
    )
    strategies: tuple[str, ...] = Field(
        default=(), description="further strategies, each 'package.module:Class'"
    )
    drift_sample: float = Field(
        default=0.25, ge=0, le=1, description="share of a reused sampled baseline that is run again"
    )
    layout: Literal["compact", "planexe"] = Field(
        default="compact",
        description="planexe: each plan's folder also has the usage files of the original tool",
    )
    gateway: GatewayConfig = GatewayConfig()
    production: ProductionConfig = Field(
        default=ProductionConfig(), description="the daily review, docs/production.md"
    )
    promptops: PromptOpsConfig = Field(
        default=PromptOpsConfig(), description="the PromptOps service, docs/promptops.md"
    )


def with_mode(config: LabConfig, mode: str) -> LabConfig:
    """The config with the gateway in another mode; '' leaves it. Raises ConfigError."""
    if not mode:
        return config
    try:
        gateway = GatewayConfig.model_validate({**config.gateway.model_dump(), "mode": mode})
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError([f"PROMPTLAB_GATEWAY={mode!r}: {said}"]) from error
    return config.model_copy(update={"gateway": gateway})


class JudgeConfig(Config):
    """The model that compares two answers of a step whose score cannot say which is better."""

    model: str = Field(description="alias or short name of a file of configs/models")
    criteria: str = Field(min_length=1, description="what makes one answer better than another")
    allow_self: bool = Field(default=False, description="the judge may be one of the models judged")
    least_pairs: int = Field(
        default=30, ge=0, description="judged pairs with gold that a YES takes; 0 asks for no gold"
    )
    least_kappa: float = Field(
        default=0.4, ge=-1, le=1, description="agreement with gold beyond chance that a YES takes"
    )
    max_tokens: int = Field(default=512, ge=1, description="limit of one answer of the judge")


class LimitsConfig(Config):
    """What one plan may take when a step runs in a process of its own."""

    seconds: float = Field(
        default=600.0, gt=0, le=MOST_SECONDS, description="then it is ended, children too"
    )
    memory_mb: int = Field(
        default=4096, ge=0, description="address space of a process beyond what it began with"
    )
    output_mb: int = Field(
        default=64, ge=0, description="of prints, of one file, and of all its files; 0: no limit"
    )
    processes: int = Field(default=256, ge=1, description="at the same time, threads included")


class CompareConfig(Config):
    """When a field of an answer equals that of the gold answer."""

    case: Literal["ignore", "keep"] = Field(default="ignore", description="keep: 'mW' is not 'MW'")
    spaces: Literal["collapse", "keep"] = Field(
        default="collapse", description="collapse: runs of white space are one space"
    )
    characters: Literal["canonical", "compatible"] = Field(
        default="canonical",
        description="compatible (NFKC): '10⁵' is '105'; canonical: only full-width forms are equal",
    )
    types: Literal["convert", "keep"] = Field(
        default="convert", description="convert: the text '18' is the number 18.0, 'true' is true"
    )
    relative: float = Field(
        default=1e-6, ge=0, lt=1, description="largest difference, as a share of the gold number"
    )
    absolute: float = Field(
        default=0.0, ge=0, description="largest difference; the larger of the two limits holds"
    )


class StepConfig(Config):
    """One step: which adapter runs it, from which files of which target."""

    name: str
    adapter: str = Field(description="a step adapter's name, or 'package.module:Class'")
    target: str = Field(description="a file of configs/targets")
    prompt: str = Field(min_length=1, description="path of the prompt in the target")
    schema_path: str = Field(
        default="", description="path of the answer's JSON schema in the target"
    )
    primary: str = Field(description="the part of the score that is judged")
    max_tokens: int = Field(default=256, ge=1)
    placeholder_style: Literal["auto", "single", "double"] = Field(
        default="auto",
        description="{name} or {{ name }} in the prompt; auto: the one that it is written in",
    )
    answer: Literal["auto", "strict", "extract", "text", "json"] = Field(
        default="auto",
        description="text: free text; strict: the whole text is the JSON object; extract: the one "
        "object in the text counts, in a code fence or after <think>; json and auto: strict with "
        "a schema",
    )
    checks: tuple[CheckConfig, ...] = Field(
        default=(), description="how an answer is scored, without code: docs/scoring.md"
    )
    compare: CompareConfig = Field(
        default=CompareConfig(), description="when a field equals gold, for all fields"
    )
    compare_fields: dict[str, CompareConfig] = Field(
        default={}, description="the same for single fields; keys left out are those of compare"
    )
    judge: JudgeConfig | None = Field(
        default=None, description="decides by comparing answers; None: the primary score decides"
    )
    file: str = Field(
        default="", description="the step file, for steps in the target's own process"
    )
    inputs: tuple[str, ...] = Field(
        default=(), description="file names in a plan folder, for the adapter prompt_file"
    )
    outputs: tuple[str, ...] = Field(
        default=(), description="the answer's file name: *.json for an object, else free text"
    )
    score: str = Field(
        default="", description="'package.module:function' that scores an answer, or its name"
    )
    limits: LimitsConfig = LimitsConfig()

    @field_validator("prompt", "schema_path")
    @classmethod
    def _check_inside(cls, value: str) -> str:
        return check_inside_target(value)

    @model_validator(mode="after")
    def _one_scorer(self) -> "StepConfig":
        if self.checks and self.score:
            raise ValueError("'checks' and 'score' both score the answer: remove one of them")
        check_parts(self.checks, self.primary)
        return self


class TargetConfig(Config):
    """The repository that is being improved."""

    name: str
    repository: str = Field(description="path; relative paths start at the lab")
    main: str = Field(default="main", description="the branch that candidates go into")
    code_host: str = Field(default="local", description="a code host's name in pipeline/wiring.py")
    github: GitHubConfig | None = Field(
        default=None, description="where on GitHub it is; with 'code_host: github' alone"
    )
    registry: dict[str, str] = Field(
        default={},
        description="prompts of the lab's registry: id -> path of the file that holds it here",
    )
    interpreter: str = Field(
        default="",
        description="the target's Python; relative paths start at the repository; ours if empty",
    )
    candidate_interpreter: str = Field(
        default="", description="that of the candidate's side, where dependencies differ"
    )
    environment: tuple[str, ...] = Field(
        default=(), description="names of variables of ours that are passed on; never a key"
    )
    variables: dict[str, str] = Field(default={}, description="further variables with their values")
    preload: tuple[str, ...] = Field(
        default=(), description="modules that are imported once, before a process is forked"
    )
    import_roots: tuple[str, ...] = Field(
        default=(), description="folders of the target that imports start at; a step may name its"
    )
    packages: tuple[str, ...] = Field(
        default=(), description="packages that must come from the worktree; a step may name its"
    )
    cgroups: bool = Field(default=True, description="of older versions: has no effect")
    visible: tuple[str, ...] = Field(
        default=(), description="files and folders beside the worktree that a step may read"
    )
    network: Literal["models", "all"] = Field(
        default="models", description="what a step may reach: its models, or every address"
    )

    @field_validator("environment", "variables")
    @classmethod
    def _no_keys(cls, value: Names) -> Names:
        for name in value:
            if not name or set(name) & {"=", "\0"}:
                raise ValueError(f"{name!r} is no name of a variable")
            if name.upper().endswith("_API_KEY") or name.upper() in TOKENS:
                raise ValueError(f"{name!r} is a key: keys never reach a target")
            if name.upper().startswith("PYTHON"):
                raise ValueError(f"{name!r} would change what Python loads: use 'import_roots'")
        return value

    @field_validator("variables")
    @classmethod
    def _whole_values(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if "\0" in text:
                raise ValueError(f"the value of {name!r} holds a NUL, which no variable can")
        return value

    @field_validator("import_roots")
    @classmethod
    def _roots_inside(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_inside_target(root) for root in value)

    @field_validator("registry")
    @classmethod
    def _prompts_inside(cls, value: dict[str, str]) -> dict[str, str]:
        if len(set(value.values())) < len(value):
            raise ValueError("two prompts have the same path")
        return {name: check_inside_target(path) for name, path in value.items()}

    @model_validator(mode="after")
    def _one_host(self) -> "TargetConfig":
        if (self.code_host == "github") != (self.github is not None):
            raise ValueError("'code_host: github' and a section 'github:' go together")
        return self
