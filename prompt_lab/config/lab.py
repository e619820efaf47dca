"""configs/lab.yaml, configs/steps/*.yaml and configs/targets/*.yaml."""

from pathlib import PurePosixPath
from typing import TypeVar

from pydantic import Field, field_validator

from prompt_lab.config.base import Config

Names = TypeVar("Names", tuple[str, ...], dict[str, str])


def inside(value: str) -> str:
    """The path itself. Raises ValueError where it leads out of the target."""
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("must be a path inside the target")
    return value


class LabConfig(Config):
    """What an iteration uses when the command line does not say otherwise."""

    step: str
    models: tuple[str, ...] = Field(min_length=1, description="aliases or short names")
    policy: str = "default"
    replicates: int = Field(default=1, ge=1)
    train_plans: int = Field(default=20, ge=1, description="most train plans of one iteration")
    verify_plans: int = Field(default=20, ge=1, description="most verify plans of the final gate")
    scout_plans: int = Field(
        default=10, ge=1, description="plans that the first idea is drawn from"
    )
    analysts: tuple[str, ...] = Field(default=("metrics",), min_length=1)
    drift_sample: float = Field(
        default=0.25, ge=0, le=1, description="share of a reused sampled baseline that is run again"
    )


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

    seconds: float = Field(default=600.0, gt=0, description="then it is ended, children too")
    memory_mb: int = Field(
        default=4096, ge=0, description="address space of a process beyond what it began with"
    )
    output_mb: int = Field(
        default=64, ge=0, description="of prints, of one file, and of all its files; 0: no limit"
    )
    processes: int = Field(default=256, ge=1, description="at the same time, threads included")


class StepConfig(Config):
    """One step: which adapter runs it, from which files of which target."""

    name: str
    adapter: str = Field(description="a step adapter's name in adapters/registry.py")
    target: str = Field(description="a file of configs/targets")
    prompt: str = Field(min_length=1, description="path of the prompt in the target")
    schema_path: str = Field(
        default="", description="path of the answer's JSON schema in the target"
    )
    primary: str = Field(description="the part of the score that is judged")
    max_tokens: int = Field(default=256, ge=1)
    judge: JudgeConfig | None = Field(
        default=None, description="decides by comparing answers; None: the primary score decides"
    )
    file: str = Field(
        default="", description="the step file, for steps in the target's own process"
    )
    limits: LimitsConfig = LimitsConfig()

    @field_validator("prompt", "schema_path")
    @classmethod
    def _inside(cls, value: str) -> str:
        return inside(value)


class TargetConfig(Config):
    """The repository that is being improved."""

    name: str
    repository: str = Field(description="path; relative paths start at the lab")
    main: str = Field(default="main", description="the branch that candidates go into")
    code_host: str = Field(
        default="local", description="a code host's name in adapters/registry.py"
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
    cgroups: bool = Field(
        default=True, description="bound processes by a control group where one can be made"
    )

    @field_validator("environment", "variables")
    @classmethod
    def _no_keys(cls, value: Names) -> Names:
        for name in value:
            if name.upper().endswith("_API_KEY"):
                raise ValueError(f"{name!r} is a provider's key: keys never reach a target")
            if name.upper().startswith("PYTHON"):
                raise ValueError(f"{name!r} would change what Python loads: use 'import_roots'")
        return value

    @field_validator("import_roots")
    @classmethod
    def _roots_inside(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(inside(root) for root in value)
