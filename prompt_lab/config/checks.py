"""`checks:` of a step: how an answer is scored where no code is written for it."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from prompt_lab.config.base import Config

CheckKind = Literal[
    "exact",
    "normalized",
    "contains",
    "regex",
    "number",
    "json_schema",
    "set_f1",
    "rouge_l",
    "chrf",
    "latency",
    "cost",
]
MEASURED_KINDS = ("latency", "cost")
"""Kinds that score what the call took, and not what the answer says."""
WEIGHTED_MEAN = "score"
"""The part that is the weighted mean of all checks."""
_OF_ALL = frozenset({"kind", "name", "weight"})
_KEYS: dict[str, frozenset[str]] = {
    "exact": frozenset({"field", "value"}),
    "normalized": frozenset({"field", "value"}),
    "contains": frozenset({"field", "value"}),
    "regex": frozenset({"field", "pattern"}),
    "number": frozenset({"field", "value", "absolute", "relative"}),
    "json_schema": frozenset({"json_schema"}),
    "set_f1": frozenset({"field", "value", "separator"}),
    "rouge_l": frozenset({"field", "value"}),
    "chrf": frozenset({"field", "value"}),
    "latency": frozenset({"seconds"}),
    "cost": frozenset({"usd"}),
}
"""Kind -> the keys that it reads besides those of all."""
_NEEDED = {"regex": "pattern", "json_schema": "json_schema", "latency": "seconds", "cost": "usd"}


class CheckConfig(Config):
    """One check of an answer: a part of the score in [0, 1]. docs/scoring.md has examples."""

    kind: CheckKind
    name: str = Field(default="", description="the part's name in records; default: the kind")
    weight: float = Field(default=1.0, ge=0, description="its share of the part 'score'")
    field: str = Field(
        default="", description="compare this field of a JSON answer; default: the whole answer"
    )
    value: str | None = Field(default=None, description="compare with this, not with the gold")
    pattern: str = Field(default="", description="a regular expression of Python that is searched")
    absolute: float = Field(default=0.0, ge=0, description="largest difference of two numbers")
    relative: float = Field(
        default=1e-6, ge=0, lt=1, description="the same as a share of the gold number"
    )
    json_schema: dict[str, Any] = Field(default={}, description="the schema of a good answer")
    separator: str = Field(
        default=",", min_length=1, description="between items of a text; line ends always count"
    )
    seconds: float = Field(default=0.0, ge=0, description="latency that gives full credit")
    usd: float = Field(default=0.0, ge=0, description="cost of a run that gives full credit")

    @property
    def part(self) -> str:
        """The name of its part of the score."""
        return self.name or self.kind

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, RecursionError) as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _keys_of_kind(self) -> "CheckConfig":
        strange = self.model_fields_set - _OF_ALL - _KEYS[self.kind]
        if strange:
            known = ", ".join(sorted(_KEYS[self.kind])) or "none"
            raise ValueError(
                f"a check of kind {self.kind!r} does not read {', '.join(sorted(strange))!r}; its "
                f"keys are {known}"
            )
        needed = _NEEDED.get(self.kind)
        if needed and not getattr(self, needed):
            raise ValueError(f"a check of kind {self.kind!r} needs {needed!r}")
        return self


def check_parts(checks: tuple[CheckConfig, ...], primary: str) -> None:
    """Raises ValueError where two checks have one name, or `primary` is none of them."""
    if not checks:
        return
    names = [check.part for check in checks]
    for name in names:
        if names.count(name) > 1 or name == WEIGHTED_MEAN:
            raise ValueError(f"two parts are called {name!r}: give a check a 'name' of its own")
    scored = [check.part for check in checks if check.kind not in MEASURED_KINDS]
    if not scored:
        raise ValueError("latency and cost alone score no answer: add a check of the answer")
    if primary not in (*scored, WEIGHTED_MEAN):
        raise ValueError(
            f"primary: {primary!r} is no check of the answer: name {WEIGHTED_MEAN!r} (the weighted "
            f"mean) or one of {', '.join(scored)}"
        )
    if not sum(check.weight for check in checks):
        raise ValueError("all weights are 0: give a check a weight")
