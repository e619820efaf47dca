"""configs/suites/<name>.yaml: which plans a benchmark asks, by which step, how often."""

from pydantic import Field, field_validator

from prompt_lab.config.base import Config


class SuiteLimits(Config):
    """What one benchmark of a suite may take."""

    calls: int = Field(default=2000, ge=1, description="most runs of one benchmark, all models")


class SuiteConfig(Config):
    """A named set of plans with its difficulty class. The name is the file's stem."""

    name: str
    phase: str = Field(min_length=1, description="the difficulty class: atomic, extended, …")
    step: str = Field(description="a file of configs/steps; it runs and scores the plans")
    plans: tuple[str, ...] = Field(min_length=1, description="names of train plans")
    scorer: str = Field(default="", description="the part of the score; default: the step's own")
    pass_score: float = Field(
        default=1.0, gt=0, le=1, description="an answer that scores at least this has passed"
    )
    chance: float | None = Field(
        default=None, ge=0, lt=1, description="accuracy of guessing, where it is known"
    )
    models: tuple[str, ...] = Field(default=(), description="aliases; default: lab.yaml's")
    repeats: int = Field(default=7, ge=1, le=1000, description="how often each plan is asked")
    limits: SuiteLimits = SuiteLimits()

    @field_validator("plans")
    @classmethod
    def _named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)}: is there twice; `repeats` asks a plan again")
        return value
