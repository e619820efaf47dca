"""The report of one iteration as one file of HTML that needs nothing else."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from prompt_lab.analyze.model import Metrics
from prompt_lab.decide.verdict import (
    Screening,
    Verdict,
    explain,
    failed_guards,
    reasons_in_order,
)
from prompt_lab.propose.remedy import remedy
from prompt_lab.records import RECORDED
from prompt_lab.report import tables
from prompt_lab.report.axis import bars
from prompt_lab.report.diff import Diff, side_by_side
from prompt_lab.report.grid import Grid, grid
from prompt_lab.report.html import render
from prompt_lab.report.markdown import render_markdown
from prompt_lab.report.numbers import (
    Fact,
    facts,
    headline,
    is_of_screening,
    judge_note,
    measured_note,
    numbers,
    screening_numbers,
    sealed_note,
    verify_numbers,
)
from prompt_lab.report.pairs import flip_rows, links, pair_rows, who
from prompt_lab.report.view import ReportView


class SplitSection(NamedTuple):
    """What the runs of one half of the plans show."""

    name: str
    metrics: Metrics
    grid: Grid
    models: tables.ModelTable
    parts: tables.ReportTable
    fields: tables.ReportTable
    costs: tables.ReportTable


class Compared(NamedTuple):
    """One file of the target before and after."""

    name: str
    diff: Diff


def render_report(view: ReportView) -> str:
    """report.html. Text of models and targets is escaped wherever it stands."""
    return render("report.html.j2", **_context(view))


def deciding_reason(view: ReportView) -> str:
    """Why the verdict is what it is: the failed guards, then what the pairs show."""
    if view.verdict is None:
        ran = "Not both sides ran" if view.rows else "Nothing ran"
        return f"{ran}, so nothing could be compared: the iteration stays open."
    return explain(view.verdict).text


def label(view: ReportView) -> str:
    """The label for all numbers that come from recorded answers; '' for others."""
    recorded = view.metrics is not None and view.metrics.recorded
    return f"{RECORDED}, no evidence for the prompts" if recorded else ""


def _context(view: ReportView) -> dict[str, Any]:
    flips, pairs = flip_rows(view), pair_rows(view.rows)
    scale, effects = bars(tuple(tables.effects(view.verdict)))
    where = links(flips, pairs)
    return {
        "view": view,
        **_reasons(view),
        "label": label(view),
        "head": _decided_metrics(view),
        "of_screening": view.verdict is not None and is_of_screening(view.verdict),
        "headline": headline(view.verdict) if view.verdict is not None else None,
        "measured": measured_note(view.verdict) if view.verdict is not None else "",
        "judge_note": judge_note(view),
        "sealed_note": sealed_note(view),
        "remedy": _remedy(view),
        "scale": scale,
        "effects": effects,
        "facts": facts(view),
        "train": _part("Train plans", view, view.metrics, where),
        "verify": _part("Verify plans", view, view.verify_metrics, {}),
        "compared": _compared_rows(view),
        "flips": flips,
        "pairs": pairs,
        "who": who,
        "numbers": _numbers(view),
        "documents": {name: render_markdown(text) for name, text in view.documents.items()},
        "title": f"{view.iteration} · {view.step}",
    }


def _reasons(view: ReportView) -> dict[str, Any]:
    """What the head and the table of reasons show, failed guards apart from the other reasons."""
    if view.verdict is None:
        return {"why": deciding_reason(view), "failed": (), "finding_first": True}
    failed = failed_guards(view.verdict)
    of_guards = [guard.reason for guard in failed]
    told = explain(view.verdict)
    return {
        "why": told.finding or ("" if failed else told.text),
        "failed": told.failed,
        "finding_first": told.finding_first,
        "failed_guards": failed,
        "other_guards": tuple(g for g in view.verdict.guards if g not in failed),
        "reasons": tuple(r for r in reasons_in_order(view.verdict) if r not in of_guards),
    }


def _remedy(view: ReportView) -> str:
    """What would settle a CONDITIONAL verdict."""
    fix = remedy(view.verdict) if view.verdict is not None else None
    return fix.text if fix is not None else ""


def _part(
    name: str, view: ReportView, metrics: Metrics | None, where: Mapping[tuple[str, str], str]
) -> SplitSection | None:
    if metrics is None or not metrics.sides:
        return None
    verdict = view.verdict if metrics is _decided_metrics(view) else None
    return SplitSection(
        name,
        metrics,
        grid(metrics, where),
        tables.model_table(metrics, verdict),
        tables.parts_table(metrics),
        tables.fields_table(metrics),
        tables.cost_table(metrics),
    )


def _decided_metrics(view: ReportView) -> Metrics | None:
    """What was measured on the plans that the numbers of the verdict are from."""
    verdict = view.verdict
    if verdict is None or verdict.screening is None or is_of_screening(verdict):
        return view.metrics
    return view.verify_metrics


def _compared_rows(view: ReportView) -> tuple[Compared, ...]:
    before, after = view.before, view.after
    if before is None or after is None:
        return ()
    found = [Compared(after.path, side_by_side(before.text, after.text))]
    if before.schema_text != after.schema_text:
        name = after.schema_path or before.schema_path
        found.append(Compared(name, side_by_side(before.schema_text, after.schema_text)))
    return tuple(found)


def _numbers(view: ReportView) -> dict[str, tuple[Fact, ...]]:
    if view.verdict is None:
        return {}
    if view.verdict.screening is not None:
        return _screened_numbers(view.verdict, view.verdict.screening)
    found = {"Train plans": numbers(view.verdict)}
    if view.verdict.verify is not None:
        found["Verify plans"] = verify_numbers(view.verdict.verify)
    return found


def _screened_numbers(verdict: Verdict, screening: Screening) -> dict[str, tuple[Fact, ...]]:
    """The screening and, once its figures are revealed, the confirmation."""
    found = {"Screening on the train plans": screening_numbers(screening, verdict.alpha)}
    if not is_of_screening(verdict):
        found["Confirmation on the verify plans"] = numbers(verdict)
    return found
