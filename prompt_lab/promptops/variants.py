"""Candidate texts of one prompt: by rules, and by a model with a strict check after it.

Each has its provenance. The rules need no model and give the same texts for the same seed. The
sentences that they add are English, as the shipped prompts are; the check is for any language.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Final, NamedTuple, Protocol

from prompt_lab.errors import LabError
from prompt_lab.promptops.records import Provenance, Variant
from prompt_lab.promptops.variant_texts import (
    CHECKS,
    EVIDENCE,
    EXPANSIONS,
    REQUEST,
    SHORT_LINES,
    choose_class,
)
from prompt_lab.prompts.guard import GuardCode, PromptCandidate, Refusal, check_prompt
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.placeholders import find_placeholders
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.propose.compress import compressed
from prompt_lab.propose.sections import halves, with_system

LEAST_VARIANTS: Final = 3
OPERATORS: Final = ("structure", "evidence_contract", "expand", "compress")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s")
_LITERAL = re.compile(r'"[^"\n]{1,60}"|`[^`\n]{1,60}`')
_ANSWER_TAG = re.compile(r"<prompt>\n?(.*?)\n?</prompt>", re.DOTALL)


class PromptRewriter(Protocol):
    """A model that rewrites a text."""

    name: str

    def rewrite(self, request: str) -> str:
        """The model's answer. Raises LabError where it cannot be reached."""


class RefusedVariant(NamedTuple):
    """A candidate that the check refused, with its reasons."""

    variant: Variant
    refusals: tuple[Refusal, ...]


class _Material(NamedTuple):
    """What an operator works on."""

    text: str
    manifest: PromptManifest
    task_class: str
    rng: Random


Attempts = Iterator[tuple[str, str]]
"""(text, note), the fullest first: the first that passes the check is taken."""


def make_variants(
    prompt_id: str,
    text: str,
    manifest: PromptManifest,
    task_class: str,
    rng: Random,
    rewriter: PromptRewriter | None = None,
    *,
    plans: Mapping[str, str] | None = None,
    on_refused: Callable[[RefusedVariant], None] | None = None,
) -> list[Variant]:
    """Different candidates for a prompt, at least three for any text of a sentence or more.

    All pass the guard against `text` and the manifest; a generic prompt quotes none of `plans`
    (name -> text). A model's rewrite comes first. It is left out where the model cannot be reached
    or its text is refused; `on_refused` gets that one with its reason codes.
    """
    parent, known = digest_text(text), {_squeeze(text)}
    material = _Material(text, manifest, task_class, rng)
    found: list[Variant] = []
    if rewriter is not None:
        variant = _ask(prompt_id, material, rewriter)
        refusals = check_variant(variant, text, manifest, plans) if variant else ()
        if variant and refusals and on_refused is not None:
            on_refused(RefusedVariant(variant, refusals))
        if variant and not refusals and _squeeze(variant.text) not in known:
            known.add(_squeeze(variant.text))
            found.append(variant)
    for operator in (*OPERATORS, *OPERATORS):
        if operator in {one.provenance.operator for one in found} and len(found) >= LEAST_VARIANTS:
            continue
        for candidate, note in _MAKERS[operator](material):
            variant = Variant(
                prompt_id=prompt_id,
                text=candidate,
                provenance=Provenance(operator=operator, parent=parent, note=note),
            )
            if _squeeze(candidate) in known or check_variant(variant, text, manifest, plans):
                continue
            known.add(_squeeze(candidate))
            found.append(variant)
            break
    return found


def check_variant(
    variant: Variant,
    previous: str,
    manifest: PromptManifest,
    plans: Mapping[str, str] | None = None,
) -> tuple[Refusal, ...]:
    """What the guard says of a variant; of a model's rewrite also which literal names it lost.

    Names in quotes or backticks are what readers of the answer rely on.
    """
    found = check_prompt(PromptCandidate(variant.text, manifest, previous, plans or {}))
    if variant.provenance.operator != "model_rewrite":
        return found
    lost = [name for name in _literals(previous) if name not in variant.text]
    if lost:
        named = ", ".join(lost[:3])
        found = (*found, Refusal(GuardCode.OUTPUT_CONTRACT, f"it no longer names {named}"))
    return found


def _ask(prompt_id: str, material: _Material, rewriter: PromptRewriter) -> Variant | None:
    slots = sorted(set(find_placeholders(material.text)))
    request = REQUEST.format(
        task_class=material.task_class or "general",
        literals=", ".join([*slots, *_literals(material.text)]) or "none",
        prompt=material.text,
    )
    try:
        answer = rewriter.rewrite(request)
    except LabError:
        return None
    tagged = _ANSWER_TAG.search(answer)
    text = (tagged[1] if tagged else answer).strip() + "\n"
    source = Provenance(
        operator="model_rewrite", parent=digest_text(material.text), model=rewriter.name
    )
    return Variant(prompt_id=prompt_id, text=text, provenance=source)


def _restructure(material: _Material) -> Attempts:
    """Rules as a list under headings, and the checks of the task class at the end."""
    kind = choose_class(material.task_class, material.manifest.intent_class)
    checks = [f"- {line}" for line in CHECKS[kind]]
    listed = _list_rules(material.text)
    yield append_lines(listed, ["# Before you answer", *checks]), f"checks of class {kind}"
    yield append_lines(material.text, ["# Before you answer", *checks]), f"checks of class {kind}"
    yield from _add_short(material, "structure")


def _harden(material: _Material) -> Attempts:
    """The evidence contract: what an answer may rest on, and what to do without evidence."""
    lines = list(material.rng.choice(EVIDENCE))
    yield append_lines(material.text, ["# Evidence", *lines]), "evidence contract"
    yield append_lines(material.text, lines[:1]), "evidence contract, one line"
    yield from _add_short(material, "evidence_contract")


def _expand(material: _Material) -> Attempts:
    """How to go about the task, step by step."""
    kind = choose_class(material.task_class, material.manifest.intent_class)
    steps = [f"{at}. {line}" for at, line in enumerate(EXPANSIONS[kind], 1)]
    yield append_lines(material.text, ["# Steps", *steps]), f"steps of class {kind}"
    yield append_lines(material.text, steps[:1]), f"first step of class {kind}"
    yield from _add_short(material, "expand")


def _compress(material: _Material) -> Attempts:
    """What is said twice, empty lines and double spaces out."""
    text = material.text
    yield with_system(text, compressed(halves(text).system)), "repetitions removed"
    squeezed = re.sub(r"\n{2,}", "\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))
    yield squeezed, "blank lines removed"
    yield from _add_short(material, "compress")


def _add_short(material: _Material, operator: str) -> Attempts:
    """One short line, for texts that may not grow by more."""
    for line in SHORT_LINES[operator]:
        yield append_lines(material.text, [line]), "one short line"


_MAKERS: Final[Mapping[str, Callable[[_Material], Attempts]]] = {
    "structure": _restructure,
    "evidence_contract": _harden,
    "expand": _expand,
    "compress": _compress,
}


def append_lines(text: str, lines: Sequence[str]) -> str:
    """The text with lines at the end of its system half."""
    parts = halves(text)
    system = f"{parts.system.rstrip()}\n\n" + "\n".join(lines) + "\n"
    return f"{system}{parts.user}" if parts.user else system


def _list_rules(text: str) -> str:
    """The text with each sentence of a plain paragraph, but the first one, as an item of a list."""
    parts = halves(text)
    paragraphs = re.split(r"\n\s*\n", parts.system.strip())
    done = paragraphs[:1]
    for paragraph in paragraphs[1:]:
        sentences = re.split(r"(?<=[.!?。！？।])\s+", paragraph.strip())
        is_plain = "\n" not in paragraph.strip() and not _HEADING.match(paragraph)
        is_plain = is_plain and not find_placeholders(paragraph) and "{" not in paragraph
        as_list = "\n".join(f"- {sentence}" for sentence in sentences)
        done.append(as_list if is_plain and len(sentences) > 1 else paragraph)
    return "\n\n".join(done) + "\n" + parts.user


def _literals(text: str) -> list[str]:
    return sorted({match[0] for match in _LITERAL.finditer(text)})


def _squeeze(text: str) -> str:
    return "".join(text.split())
