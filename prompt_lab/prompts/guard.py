"""The one check of a candidate text, before anything is spent on it: pure, with reason codes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from prompt_lab.prompts.guard_shape import (
    find_debris,
    find_encoded,
    find_invisible,
    find_link,
    find_lookalike,
    find_reasoning,
    find_role_line,
    is_question,
)
from prompt_lab.prompts.manifest import PlaceholderRule, PromptManifest
from prompt_lab.prompts.placeholders import count_exactly, find_altered, find_placeholders
from prompt_lab.prompts.quotes import find_quote, measure_kept
from prompt_lab.prompts.secret_patterns import find_secret


class GuardCode(StrEnum):
    """Why a text is refused."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    PLACEHOLDER_MISSING = "placeholder_missing"
    PLACEHOLDER_ALTERED = "placeholder_altered"
    PLACEHOLDER_COUNT = "placeholder_count"
    PLACEHOLDER_UNKNOWN = "placeholder_unknown"
    REQUIRED_SPAN = "required_span_missing"
    FORBIDDEN_SPAN = "forbidden_span"
    OUTPUT_CONTRACT = "output_contract"
    REASONING = "reasoning"
    PARSE_DEBRIS = "parse_debris"
    SCOPE_CHANGE = "scope_change"
    SIZE = "size"
    SECRET = "secret"
    LEAKAGE = "leakage"
    INVISIBLE = "invisible"
    LINK = "external_link"
    ENCODED = "encoded_text"
    ROLE_LINE = "role_line"
    LOOKALIKE = "lookalike_letters"


LEAST_KEPT = 0.1
"""Share of the previous version's letter sequences: two texts of one language about different
things share about a twentieth, a thorough rewrite keeps a quarter or more."""


class Refusal(NamedTuple):
    """One reason against a text: the code, and what was found in words."""

    code: GuardCode
    text: str


@dataclass(frozen=True)
class PromptCandidate:
    """A text with what it is compared to. Plans are name -> text."""

    text: str
    manifest: PromptManifest
    previous: str | None = None
    open_plans: Mapping[str, str] = field(default_factory=dict)
    sealed_plans: Mapping[str, str] = field(default_factory=dict)


def check_prompt(candidate: PromptCandidate) -> tuple[Refusal, ...]:
    """Every reason against the candidate's text; () where it may be tried.

    >>> manifest = PromptManifest(id="greet")
    >>> [one.code.value for one in check_prompt(PromptCandidate("Hello.", manifest))]
    ['too_short']
    """
    return tuple(one for check in _CHECKS for one in check(candidate))


def _check_length(candidate: PromptCandidate) -> Iterator[Refusal]:
    limits, length = candidate.manifest.constraints, len(candidate.text.strip())
    if length < limits.shortest:
        yield Refusal(
            GuardCode.TOO_SHORT, f"{length} characters; the manifest asks for {limits.shortest}"
        )
    if length > limits.longest:
        yield Refusal(
            GuardCode.TOO_LONG, f"{length} characters; the manifest allows {limits.longest}"
        )


def _check_size(candidate: PromptCandidate) -> Iterator[Refusal]:
    before = len((candidate.previous or "").strip())
    factor = candidate.manifest.constraints.size_factor
    after = len(candidate.text.strip())
    if before and not before / factor <= after <= before * factor:
        yield Refusal(
            GuardCode.SIZE,
            f"{after} characters after {before}: more than a factor of {factor:g} in one change",
        )


def _check_placeholders(candidate: PromptCandidate) -> Iterator[Refusal]:
    rules = candidate.manifest.placeholders
    for rule in rules:
        yield from _check_rule(rule, candidate.text)
    known = {rule.text for rule in rules} | set(find_placeholders(candidate.previous or ""))
    only_double = bool(rules) and all(rule.text.startswith(("{{", "@@@")) for rule in rules)
    for found in dict.fromkeys(find_placeholders(candidate.text)):
        literal = only_double and found[1] not in "{%@"
        if found not in known and not literal:
            yield Refusal(
                GuardCode.PLACEHOLDER_UNKNOWN,
                f"{found!r} is neither in the manifest nor in the previous version",
            )


def _check_rule(rule: PlaceholderRule, text: str) -> Iterator[Refusal]:
    times = count_exactly(rule.text, text)
    if not times:
        if not rule.required:
            return
        altered = find_altered(rule.text, text)
        if altered:
            yield Refusal(GuardCode.PLACEHOLDER_ALTERED, f"{rule.text!r} became {altered!r}")
        else:
            yield Refusal(GuardCode.PLACEHOLDER_MISSING, f"{rule.text!r} is not in the text")
    elif rule.text.startswith("{{") and text.count(rule.text) != times:
        yield Refusal(GuardCode.PLACEHOLDER_ALTERED, f"{rule.text!r} has braces of its own")
    elif rule.times is not None and times != rule.times:
        yield Refusal(
            GuardCode.PLACEHOLDER_COUNT, f"{rule.text!r} occurs {times} times, not {rule.times}"
        )


def _check_spans(candidate: PromptCandidate) -> Iterator[Refusal]:
    limits, text = candidate.manifest.constraints, candidate.text
    for span in limits.required:
        if span not in text:
            yield Refusal(GuardCode.REQUIRED_SPAN, f"{span!r} is not in the text")
    for span in limits.output_contract:
        if span not in text:
            yield Refusal(GuardCode.OUTPUT_CONTRACT, f"{span!r} is not in the text")
    for span in limits.forbidden:
        if span in text:
            yield Refusal(GuardCode.FORBIDDEN_SPAN, f"{span!r} is in the text")


def _check_shape(candidate: PromptCandidate) -> Iterator[Refusal]:
    text, previous = candidate.text, candidate.previous
    for code, find in (
        (GuardCode.REASONING, find_reasoning),
        (GuardCode.PARSE_DEBRIS, find_debris),
        (GuardCode.INVISIBLE, find_invisible),
    ):
        found = find(text, previous)
        if found:
            yield Refusal(code, found)
    if found := find_link(text, previous):
        yield Refusal(GuardCode.LINK, f"{found[:80]!r} may carry data away, and is new")
    if found := find_encoded(text, previous):
        yield Refusal(GuardCode.ENCODED, f"{found!r} begins a run that no reader can check")
    if found := find_role_line(text, previous):
        yield Refusal(GuardCode.ROLE_LINE, f"the line {found!r} would begin another message")
    if found := find_lookalike(text, previous):
        yield Refusal(GuardCode.LOOKALIKE, f"{found[:40]!r} mixes the letters of two scripts")


def _check_plans(candidate: PromptCandidate) -> Iterator[Refusal]:
    previous = candidate.previous or ""
    # What train plans say too is no secret of the sealed ones.
    known = "\n".join((previous, *candidate.open_plans.values()))
    for name, plan in candidate.sealed_plans.items():
        if find_quote(candidate.text, plan, allowed=known):
            # The quote itself would be a leak where a proposer reads the refusal.
            yield Refusal(GuardCode.LEAKAGE, f"it quotes the sealed plan {name!r}")
    if candidate.manifest.scope != "generic":
        return
    for name, plan in candidate.open_plans.items():
        quote = find_quote(candidate.text, plan, allowed=previous)
        if quote:
            yield Refusal(
                GuardCode.SCOPE_CHANGE, f"a generic prompt quotes plan {name!r}: {quote!r}"
            )
    if is_question(candidate.text) and not is_question(previous):
        yield Refusal(GuardCode.SCOPE_CHANGE, "a generic prompt became one question")
    kept = measure_kept(candidate.text, previous)
    if kept is not None and kept < LEAST_KEPT:
        yield Refusal(
            GuardCode.SCOPE_CHANGE, f"another text: it keeps {kept:.0%} of the previous version"
        )


def _check_secrets(candidate: PromptCandidate) -> Iterator[Refusal]:
    kind = find_secret(candidate.text)
    if kind:
        yield Refusal(GuardCode.SECRET, f"it holds what looks like {kind}")


_CHECKS: tuple[Callable[[PromptCandidate], Iterator[Refusal]], ...] = (
    _check_length,
    _check_size,
    _check_placeholders,
    _check_spans,
    _check_shape,
    _check_plans,
    _check_secrets,
)
