"""Runs, prompts and changes of our own, small enough to count by hand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prompt_lab.names import Side, Split, Status
from prompt_lab.records import (
    Change,
    PlanText,
    PromptVersion,
    RunError,
    RunRecord,
    RunRow,
    SentEvidence,
    Usage,
)

SENT = SentEvidence(wanted_commit="a", head="a", tree_clean=True, files={}, prompt_sha256="p")
USAGE = Usage(calls=1, input_tokens=100, output_tokens=20, cost_usd=0.001)
CHANGE = Change(
    branch="topic",
    commit="c" * 40,
    base_commit="b" * 40,
    strategy="given",
    source="baseline",
    title="Say what the total is",
    description="One sentence more.",
)


def row(
    side: Side,
    plan: str,
    answer: Any,
    *,
    model: str = "small",
    score: float = 1.0,
    error: tuple[str, str] | None = None,
    replicate: int = 0,
    **changed: Any,
) -> RunRow:
    """One run; `answer` is its output's text, or what its JSON says; None for no output."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    record = RunRecord(
        iteration=1,
        step="extract",
        split=Split.TRAIN,
        side=side,
        model=model,
        plan=plan,
        replicate=replicate,
        status=Status.ERROR if error else Status.OK,
        error=RunError(kind=error[0], message=error[1]) if error else None,
        scores={"total": 0.0 if error else score},
        primary=0.0 if error else score,
        valid=error is None,
        usage=USAGE,
        sent=SENT,
        content_key="k",
        answered_by=model,
        started="2026-01-01T00:00:00Z",
        ended="2026-01-01T00:00:01Z",
        duration_seconds=1.0,
    )
    number = {Side.BASELINE: "00", Side.CANDIDATE: "01"}[side]
    suffix = f".{replicate}" if replicate else ""
    path = f"history/0/{number}_extract{suffix}/outputs/{plan}"
    return RunRow(
        record=record.model_copy(update=changed),
        path=path,
        outputs={} if answer is None else {"a.json": text},
    )


def both(plan: str, before: Any, after: Any, **rest: Any) -> list[RunRow]:
    """The same run on both sides."""
    return [row(Side.BASELINE, plan, before, **rest), row(Side.CANDIDATE, plan, after, **rest)]


def plan_text(name: str, text: str, gold: Any = None) -> PlanText:
    """A plan with one input and, where given, one gold output."""
    return PlanText(
        name=name,
        inputs={"input.txt": text},
        gold={} if gold is None else {"a.json": json.dumps(gold)},
    )


def by_name(plans: Sequence[PlanText]) -> Mapping[str, PlanText]:
    """Plans as `measure` takes them."""
    return {plan.name: plan for plan in plans}


def prompt(text: str, schema: Any = None) -> PromptVersion:
    """A prompt version."""
    return PromptVersion(
        commit="c", path="prompt.txt", text=text, schema_text=json.dumps(schema) if schema else ""
    )
