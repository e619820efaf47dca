"""The contract of a registered prompt: what it is for, and what each of its texts must hold."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from prompt_lab.prompts.placeholders import find_placeholders

PromptId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
"""Also the name of a file, so neither a slash nor a dot at its beginning."""


class PlaceholderRule(BaseModel):
    """One placeholder, exactly as the texts spell it, with its braces."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str = Field(description="'{{PLAYBOOKS}}', '{{ query }}', '{name}' or '@@@snippet@@@'")
    required: bool = True
    times: int | None = Field(default=1, ge=1, description="how often; None: once or more")

    @field_validator("text")
    @classmethod
    def _is_one(cls, text: str) -> str:
        if find_placeholders(text) != [text]:
            raise ValueError(
                f"{text!r} is no placeholder: write it with its braces, such as {{{{PLAYBOOKS}}}}"
            )
        return text


class PromptConstraints(BaseModel):
    """Limits of the text. Lengths are in characters."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shortest: int = Field(default=200, ge=0)
    longest: int = Field(default=200_000, ge=1)
    size_factor: float = Field(
        default=3.0, gt=1, description="the most that one change may grow or shrink the text by"
    )
    required: tuple[str, ...] = Field(default=(), description="spans that must stand in the text")
    forbidden: tuple[str, ...] = Field(default=(), description="spans that must not")
    output_contract: tuple[str, ...] = Field(
        default=(), description="spans that say how to answer, which readers of the answer rely on"
    )


class PromptManifest(BaseModel):
    """manifests/<id>.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = 1
    id: PromptId
    scope: Literal["generic", "specific"] = Field(
        default="generic", description="a generic prompt serves every input, and quotes none"
    )
    task_class: str = ""
    intent_class: str = ""
    placeholders: tuple[PlaceholderRule, ...] = ()
    constraints: PromptConstraints = PromptConstraints()
    owner: str = ""
    policy: str = Field(default="default", description="the decision policy of its trials")


SHIPPED = (
    PromptManifest(
        id="master_system_core",
        task_class="system",
        placeholders=(PlaceholderRule(text="{{PLAYBOOKS}}"),),
    ),
    PromptManifest(id="playbooks", task_class="knowledge"),
    PromptManifest(id="query", task_class="query", intent_class="question"),
    PromptManifest(id="state_query", task_class="query", intent_class="state"),
)
"""Manifests of the usual parts of an agent's prompt, used where an import brings none."""


def propose_manifest(prompt_id: str, text: str) -> PromptManifest:
    """The shipped manifest of that id, or one that requires the placeholders of its first text.

    >>> propose_manifest("greet", "Greet {name}.").placeholders[0].text
    '{name}'
    """
    for manifest in SHIPPED:
        if manifest.id == prompt_id:
            return manifest
    found = find_placeholders(text)
    rules = (
        PlaceholderRule(text=one, times=1 if found.count(one) == 1 else None)
        for one in dict.fromkeys(found)
    )
    return PromptManifest(
        id=prompt_id,
        placeholders=tuple(rules),
        constraints=PromptConstraints(shortest=min(200, len(text.strip()))),
    )
