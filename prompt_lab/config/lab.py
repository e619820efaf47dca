"""configs/lab.yaml, configs/steps/*.yaml and configs/targets/*.yaml."""

from pathlib import PurePosixPath

from pydantic import Field, field_validator

from prompt_lab.config.base import Config


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

    @field_validator("prompt", "schema_path")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("must be a path inside the target")
        return value


class TargetConfig(Config):
    """The repository that is being improved."""

    name: str
    repository: str = Field(description="path; relative paths start at the lab")
    main: str = Field(default="main", description="the branch that candidates go into")
    code_host: str = Field(
        default="local", description="a code host's name in adapters/registry.py"
    )
