"""The gate before a template enters the library: reasons against it, each with a code. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from prompt_lab.promptops.library.abstraction import ENTITY, AbstractedText
from prompt_lab.promptops.library.dedupe import find_duplicate
from prompt_lab.promptops.personal import hide_personal
from prompt_lab.promptops.wear import LEAKING_OVERLAP, measure_overlap
from prompt_lab.prompts.guard import GuardCode, PromptCandidate, check_prompt
from prompt_lab.prompts.guard_shape import is_question
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.quotes import find_quote
from prompt_lab.prompts.secret_patterns import find_secret

MOST_ENTITIES: Final = 0.3
"""Share of the words that may be placeholders of entities; beyond it nothing general is left."""


class TemplateCode(StrEnum):
    """Why a mined template is refused."""

    NOT_STABLE = "not_stable"
    LOW_SUPPORT = "low_support"
    QUALITY = "quality_threshold"
    SECRET = "secret"
    PERSONAL = "personal_data"
    SINGLE_EXAMPLE = "single_example"
    POLICY = "policy_violation"
    SCHEMA = "schema"
    OVER_ABSTRACTED = "over_abstracted"
    DUPLICATE = "near_duplicate"


PASSING: Final = (TemplateCode.NOT_STABLE, TemplateCode.LOW_SUPPORT, TemplateCode.QUALITY)
"""Codes that time may cure: such a template is looked at again."""


class TemplateReason(NamedTuple):
    """One reason; its text quotes nothing of what it found."""

    code: TemplateCode
    text: str


@dataclass(frozen=True)
class TemplateMaterial:
    """What the gate reads. Plans and questions are name -> text, templates (key, text).

    `unstable` says why the winner has not stayed; '' where it has.
    """

    winner: str
    parent: str
    abstracted: AbstractedText
    manifest: PromptManifest
    calls: int
    success_low: float
    unstable: str = ""
    open_plans: Mapping[str, str] = field(default_factory=dict)
    sealed_plans: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    templates: Sequence[tuple[str, str]] = ()


class TemplateLimits(NamedTuple):
    """Least calls with a known result, and the least lower limit of success, in [0, 1]."""

    least_calls: int
    least_success: float


def check_template(material: TemplateMaterial, limits: TemplateLimits) -> list[TemplateReason]:
    """Every reason against the template; [] where it may enter the library."""
    return [
        *_check_record(material, limits),
        *_check_privacy(material),
        *_check_guard(material),
        *_check_schema(material),
    ]


def _check_record(material: TemplateMaterial, limits: TemplateLimits) -> Iterator[TemplateReason]:
    if material.unstable:
        yield TemplateReason(TemplateCode.NOT_STABLE, material.unstable)
    if material.calls < limits.least_calls:
        yield TemplateReason(
            TemplateCode.LOW_SUPPORT,
            f"{material.calls} calls have a known result; it takes {limits.least_calls}",
        )
    elif material.success_low < limits.least_success:
        yield TemplateReason(
            TemplateCode.QUALITY,
            f"the lower limit of its success is {material.success_low:.2f}, below"
            f" {limits.least_success:g}",
        )


def _check_privacy(material: TemplateMaterial) -> Iterator[TemplateReason]:
    kind = find_secret(material.winner)
    if kind:
        yield TemplateReason(TemplateCode.SECRET, f"the text holds what looks like {kind}")
    elif hide_personal(material.winner) != material.winner:
        yield TemplateReason(
            TemplateCode.PERSONAL, "the text holds what looks like a person's address or number"
        )
    if found := _find_example(material):
        yield TemplateReason(TemplateCode.SINGLE_EXAMPLE, found)


def _find_example(material: TemplateMaterial) -> str:
    text = material.winner
    if is_question(text):
        return "the text is one question"
    for name, plan in {**material.open_plans, **material.sealed_plans}.items():
        if find_quote(text, plan):
            return f"the text quotes plan {name!r}"
    for name, question in material.questions.items():
        if measure_overlap(text, question) > LEAKING_OVERLAP:
            return f"the text holds most of the question of plan {name!r}"
    return ""


def _check_guard(material: TemplateMaterial) -> Iterator[TemplateReason]:
    candidate = PromptCandidate(
        material.winner,
        material.manifest,
        material.parent,
        material.open_plans,
        material.sealed_plans,
    )
    codes = {one.code for one in check_prompt(candidate)} - {GuardCode.SECRET}
    if codes:
        named = ", ".join(sorted(code.value for code in codes))
        yield TemplateReason(TemplateCode.POLICY, f"the guard says {named}")


def _check_schema(material: TemplateMaterial) -> Iterator[TemplateReason]:
    text = material.abstracted.text
    checked = PromptCandidate(ENTITY.sub("", text), material.manifest, material.winner)
    asked = {
        GuardCode.PLACEHOLDER_MISSING, GuardCode.PLACEHOLDER_ALTERED, GuardCode.PLACEHOLDER_COUNT,
        GuardCode.REQUIRED_SPAN, GuardCode.OUTPUT_CONTRACT,
    }  # fmt: skip
    codes = sorted({one.code.value for one in check_prompt(checked) if one.code in asked})
    if codes:
        yield TemplateReason(TemplateCode.SCHEMA, f"abstracted, it breaks {', '.join(codes)}")
    entities, words = len(ENTITY.findall(text)), len(ENTITY.sub(" x ", text).split())
    if entities > MOST_ENTITIES * words:
        yield TemplateReason(
            TemplateCode.OVER_ABSTRACTED, f"{entities} of its {words} words belong to single cases"
        )
    if twin := find_duplicate(text, material.templates):
        yield TemplateReason(TemplateCode.DUPLICATE, f"template {twin[:12]} says the same")
