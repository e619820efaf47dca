"""Measure the runs of a batch for the analyst `metrics`, in one record."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from prompt_lab.analyze.accuracy import accuracy, agreement
from prompt_lab.analyze.copied import find_copied_text
from prompt_lab.analyze.duplicates import duplicates
from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.flips import flips, identical
from prompt_lab.analyze.model import ErrorKind, Metrics, ModelStats, ScoreCell, SideStats
from prompt_lab.analyze.openers import openers
from prompt_lab.analyze.phrases import phrases
from prompt_lab.analyze.text_metrics import lengths, placeholders
from prompt_lab.analyze.words import estimated_tokens
from prompt_lab.evaluate.pairs import count_lost_pairs, paired_rows
from prompt_lab.names import Side, Status
from prompt_lab.records import PlanText, PromptVersion, RunRow

_Asked = tuple[list[RunRow], dict[str, PlanText], str, dict[Side, PromptVersion]]
_latest: deque[tuple[_Asked, Metrics]] = deque(maxlen=2)
"""Those of train and of verify plans."""


def side_stats(rows: Sequence[RunRow]) -> SideStats | None:
    """Numbers of the runs given, all of one side; None for no runs."""
    if not rows:
        return None
    records = [row.record for row in rows]
    seconds = [record.duration_seconds for record in records]
    ok = sum(record.status is Status.OK for record in records)
    parts = sorted({part for record in records for part in record.scores})
    return SideStats(
        n=len(records),
        ok=ok,
        errors=len(records) - ok,
        valid=fmean(record.valid for record in records),
        primary=fmean(record.primary for record in records),
        parts={part: fmean(r.scores.get(part, 0.0) for r in records) for part in parts},
        latency_median=float(np.percentile(seconds, 50)),
        latency_p90=float(np.percentile(seconds, 90)),
        input_tokens=sum(record.usage.input_tokens for record in records),
        output_tokens=sum(record.usage.output_tokens for record in records),
        cost_usd=sum(record.usage.cost_usd for record in records),
        calls=sum(record.usage.calls for record in records),
        retries=sum(record.usage.retries for record in records),
        reused=sum(row.reused for row in rows),
    )


def model_stats(evidence: RunEvidence, model: str = "") -> ModelStats:
    """Both sides of one model, or of all for ''."""
    rows = [row for row in evidence.rows if model in ("", row.record.model)]
    return ModelStats(
        model=model,
        baseline=side_stats([row for row in rows if row.record.side is Side.BASELINE]),
        candidate=side_stats([row for row in rows if row.record.side is Side.CANDIDATE]),
    )


def cells(evidence: RunEvidence) -> tuple[ScoreCell, ...]:
    """The grid of models and plans, in the order of the runs."""
    found: dict[tuple[str, str], dict[Side, list[RunRow]]] = {}
    for row in evidence.rows:
        rows = found.setdefault((row.record.model, row.record.plan), {})
        rows.setdefault(row.record.side, []).append(row)
    return tuple(
        _cell(model, plan, sides.get(Side.BASELINE, []), sides.get(Side.CANDIDATE, []))
        for (model, plan), sides in found.items()
    )


def errors(evidence: RunEvidence) -> tuple[ErrorKind, ...]:
    """The kinds of errors by side and model, most frequent first."""
    found: dict[tuple[Side, str, str], list[RunRow]] = defaultdict(list)
    for row in evidence.rows:
        if row.record.error is not None:
            found[row.record.side, row.record.model, row.record.error.kind].append(row)
    kinds = (_error_kind(side, model, kind, rows) for (side, model, kind), rows in found.items())
    return tuple(sorted(kinds, key=lambda error: -error.count))


def _cell(model: str, plan: str, before: Sequence[RunRow], after: Sequence[RunRow]) -> ScoreCell:
    return ScoreCell(
        model=model,
        plan=plan,
        baseline=_mean(before),
        candidate=_mean(after),
        n_baseline=len(before),
        n_candidate=len(after),
        baseline_path=_lowest(before),
        candidate_path=_lowest(after),
    )


def _mean(rows: Sequence[RunRow]) -> float | None:
    return fmean(row.record.primary for row in rows) if rows else None


def _lowest(rows: Sequence[RunRow]) -> str:
    return min(rows, key=lambda row: row.record.primary).path if rows else ""


def _error_kind(side: Side, model: str, kind: str, rows: Sequence[RunRow]) -> ErrorKind:
    error = rows[0].record.error
    return ErrorKind(
        side=side,
        model=model,
        kind=kind,
        count=len(rows),
        plans=tuple(dict.fromkeys(row.record.plan for row in rows)),
        example=error.message if error else "",
        path=rows[0].path,
    )


def measure(
    rows: Sequence[RunRow],
    plans: Mapping[str, PlanText],
    primary: str,
    prompts: Mapping[Side, PromptVersion] | None = None,
) -> Metrics:
    """Measure the runs of one side or of both; equal rows in equal order give an equal record.

    `plans` by name: their gold outputs are compared where they have some, their inputs tell what
    an answer may well repeat. A run that lacks the other side is left out, so that both sides are
    measured over the same pairs. Without `prompts` nothing is said about text copied from them.
    The last records are kept, since every page of an iteration asks for the same one.
    """
    asked = (list(rows), dict(plans), primary, dict(prompts or {}))
    for known, metrics in _latest:
        if known == asked:
            return metrics
    found = _measure(rows, plans, primary, prompts)
    _latest.appendleft((asked, found))
    return found


def _measure(
    rows: Sequence[RunRow],
    plans: Mapping[str, PlanText],
    primary: str,
    prompts: Mapping[Side, PromptVersion] | None,
) -> Metrics:
    lost = count_lost_pairs(rows)
    rows = paired_rows(rows)
    evidence = RunEvidence(rows, plans, prompts or {})
    return Metrics(
        lost=lost,
        primary=primary,
        plans=tuple(dict.fromkeys(row.record.plan for row in rows)),
        replicates=len({row.record.replicate for row in rows}),
        totals=model_stats(evidence),
        models=tuple(model_stats(evidence, model) for model in evidence.models),
        cells=cells(evidence),
        flips=flips(evidence),
        errors=errors(evidence),
        accuracy=accuracy(evidence),
        agreement=agreement(evidence),
        lengths=lengths(evidence),
        openers=openers(evidence),
        phrases=phrases(evidence),
        duplicates=duplicates(evidence),
        placeholders=placeholders(evidence),
        copied=find_copied_text(evidence),
        identical=identical(evidence),
        recorded=any(row.record.is_recorded for row in rows),
        prompt_tokens={
            side: estimated_tokens(prompt.text) for side, prompt in evidence.prompts.items()
        },
    )
