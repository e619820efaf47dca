"""The analyst: a model that reads some traces and adds findings, each with quotes to be checked.

What it says is believed only as far as the store holds its quotes. Its findings rest on reading,
not on a count, and the limit on false findings does not cover them; they say so.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from prompt_lab.agents.requests import writable
from prompt_lab.analyze.markdown import last_json_block
from prompt_lab.errors import LabError
from prompt_lab.names import count
from prompt_lab.ports.llm import Llm
from prompt_lab.production.analyst_prompt import ReviewMaterial, read_trace_text, render_analysis
from prompt_lab.production.detector import plain_name
from prompt_lab.records import Record
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

MODEL_VARIABLE: Final = "OPTIMIZER_MODEL"
DEFAULT_MODEL: Final = "claude-opus-4-6"
DETECTOR: Final = "analyst"
MOST_FINDINGS: Final = 5
SHORTEST_QUOTE: Final = 12
FindTrace = Callable[[str], Trace | None]


class TraceQuote(Record):
    """Words of a trace, as evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    trace_id: str
    quote: str


class ProposedFinding(Record):
    """What the analyst says; believed in nothing that is not checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=1, max_length=80)
    goal: Goal
    type: ItemType
    title: str = Field(min_length=1, max_length=160)
    fix: str = Field(default="", max_length=1000)
    prompt_key: str = ""
    prompt_text: str = Field(default="", max_length=200_000)
    config_key: str = Field(default="", max_length=80)
    config_value: Any = None
    evidence: tuple[TraceQuote, ...] = Field(min_length=1, max_length=20)


class AnalystReport(Record):
    """What the analyst added, what was refused and why; `skipped` says why it was not asked."""

    findings: tuple[Finding, ...] = ()
    refused: tuple[str, ...] = ()
    skipped: str = ""
    model: str = ""
    traces_read: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _Checked(NamedTuple):
    findings: list[Finding]
    refused: list[str]


def choose_traces(
    traces: Iterable[Trace], findings: Sequence[Finding], *, most: int, seed: int
) -> list[Trace]:
    """At most `most` traces, by time: up to half from behind the findings, the others by chance.

    Reads the stream once and keeps no more than that (reservoir sampling, Vitter's algorithm R).
    """
    wanted = {name for finding in findings for name in finding.evidence.trace_ids}
    rng, behind, others, seen = np.random.default_rng(seed), list[Trace](), list[Trace](), 0
    for trace in traces:
        if trace.trace_id in wanted and len(behind) < most // 2:
            behind.append(trace)
            continue
        seen += 1
        if len(others) < most:
            others.append(trace)
        elif (place := int(rng.integers(seen))) < most:
            others[place] = trace
    chosen = [*behind, *others[: most - len(behind)]]
    return sorted(chosen, key=lambda trace: (trace.created_at, trace.trace_id))


def run_analyst(
    llm: Llm | None, material: ReviewMaterial, find_trace: FindTrace, *, model: str = DEFAULT_MODEL
) -> AnalystReport:
    """Ask the analyst once. Without its key, or when it cannot be reached, it is skipped.

    The review goes on without it; `skipped` is a sentence for the message.
    """
    missing = f"the model {model!r} is not set up" if llm is None else llm.check()
    if llm is None or missing:
        return AnalystReport(model=model, skipped=f"The analyst was skipped: {missing}")
    if not material.traces:
        return AnalystReport(model=model, skipped="The analyst was skipped: there is no trace.")
    try:
        answer = llm.ask(render_analysis(material))
    except LabError as error:
        return AnalystReport(model=model, skipped=f"The analyst was skipped: {error}")
    proposed, fault = parse_analysis(answer.text)
    checked = check_proposals(proposed, material, find_trace)
    return AnalystReport(
        findings=tuple(checked.findings),
        refused=(*([fault] if fault else []), *checked.refused),
        model=model,
        traces_read=len(material.traces),
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
    )


def parse_analysis(text: str) -> tuple[list[ProposedFinding], str]:
    """The findings of an answer, at most five, and what is wrong with it ('' if nothing is)."""
    block = last_json_block(text)
    try:
        rows = json.loads(block if block is not None else text)
        rows = rows["findings"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [], 'its answer holds no JSON block with "findings"'
    if not isinstance(rows, list):
        return [], '"findings" of its answer is no list'
    found, faults = [], []
    for at, row in enumerate(rows[:MOST_FINDINGS], start=1):
        try:
            found.append(ProposedFinding.model_validate(_writable(row)))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "it"
            faults.append(f"finding {at}: {place}: {first['msg']}")
    if len(rows) > MOST_FINDINGS:
        faults.append(f"{len(rows) - MOST_FINDINGS} findings beyond the first {MOST_FINDINGS}")
    return found, "; ".join(faults)


def _writable(value: Any) -> Any:
    """The same with texts that UTF-8 can hold."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, list):
        return [_writable(part) for part in value]
    if isinstance(value, dict):
        return {writable(str(key)): _writable(part) for key, part in value.items()}
    return value


def check_proposals(
    proposed: Sequence[ProposedFinding], material: ReviewMaterial, find_trace: FindTrace
) -> _Checked:
    """Keep what the store supports: every quote must be in its trace, and the trace shown."""
    shown = {trace.trace_id for trace in material.traces}
    known = {finding.key for finding in material.findings}
    checked = _Checked([], [])
    for one in proposed:
        title = plain_name(one.title)
        fault = _find_fault(one, material, shown, find_trace)
        if fault:
            checked.refused.append(f"{title!r}: {fault}")
        elif one.key in known or one.key in {finding.key for finding in checked.findings}:
            checked.refused.append(f"{title!r}: it is found already")
        else:
            checked.findings.append(_as_finding(one, len(material.traces)))
    return checked


def _find_fault(
    one: ProposedFinding, material: ReviewMaterial, shown: set[str], find_trace: FindTrace
) -> str:
    for piece in one.evidence:
        trace = find_trace(piece.trace_id) if piece.trace_id in shown else None
        if trace is None:
            return f"it cites {piece.trace_id!r}, which it was not shown or the store does not hold"
        quote = " ".join(piece.quote.split())
        if len(quote) < SHORTEST_QUOTE:
            return f"its quote from {piece.trace_id!r} is shorter than {SHORTEST_QUOTE} characters"
        if quote not in " ".join(read_trace_text(trace).split()):
            return f"its quote is not in {piece.trace_id!r}"
    supported = " ".join([*(piece.quote for piece in one.evidence), *material.prompts])
    numbers = {word for word in one.title.split() if any(char.isdigit() for char in word)}
    if any(word.strip(".,;:()%$") not in supported for word in numbers):
        return "its title has a number that no quote supports"
    return _find_type_fault(one, material)


def _find_type_fault(one: ProposedFinding, material: ReviewMaterial) -> str:
    if one.type is ItemType.PROMPT_CHANGE:
        if one.prompt_key not in material.prompts:
            return f"there is no prompt {one.prompt_key!r}"
        if not one.prompt_text.strip() or one.prompt_text == material.prompts[one.prompt_key]:
            return "a prompt change needs the whole new text of the prompt"
    if one.type is ItemType.CONFIG_CHANGE and not one.config_key:
        return "a config change needs its config_key"
    return ""


def _as_finding(one: ProposedFinding, read: int) -> Finding:
    """Its numbers are ours: how many traces were quoted, of how many."""
    ids = tuple(dict.fromkeys(piece.trace_id for piece in one.evidence))
    is_prompt = one.type is ItemType.PROMPT_CHANGE
    is_config = one.type is ItemType.CONFIG_CHANGE
    return Finding(
        detector=DETECTOR,
        key=one.key,
        goal=one.goal,
        type=one.type,
        title=one.title,
        impact=f"quoted from {len(ids):,} of {count(read, 'trace')} that the analyst read; not"
        " counted over all",
        fix=one.fix,
        prompt_key=one.prompt_key if is_prompt else "",
        prompt_text=one.prompt_text if is_prompt else "",
        config_key=one.config_key if is_config else "",
        config_value=one.config_value if is_config else None,
        evidence=FindingEvidence(
            counts={"traces quoted": len(ids), "traces read": read}, trace_ids=ids
        ),
    )
