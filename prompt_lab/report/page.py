"""The report of one iteration as one file of HTML that needs nothing else."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from prompt_lab.analyze.model import Metrics
from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from prompt_lab.propose.remedy import remedy
from prompt_lab.records import RECORDED
from prompt_lab.report import tables
from prompt_lab.report.axis import bars
from prompt_lab.report.diff import Diff, side_by_side
from prompt_lab.report.grid import Grid, grid
from prompt_lab.report.html import render
from prompt_lab.report.markdown import blocks
from prompt_lab.report.numbers import Fact, facts, numbers, verify_numbers
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


_CLAIMS = (Code.BETTER, Code.SIMPLER)


def render_report(view: ReportView) -> str:
    """report.html. Text of models and targets is escaped wherever it stands."""
    return render("report.html.j2", **_context(view))


def deciding_reason(view: ReportView) -> str:
    """The reason that decided, in a sentence or two: what the pairs show, and the guard against."""
    if view.verdict is None:
        ran = "Not both sides ran" if view.rows else "Nothing ran"
        return f"{ran}, so nothing could be compared: the iteration stays open."
    reasons = view.verdict.reasons
    if not reasons:
        return "No reason was recorded."
    if len(reasons) > 1 and reasons[0].code in _CLAIMS and view.verdict.outcome is not Outcome.YES:
        return f"{reasons[0].text} But: {reasons[1].text}"
    return reasons[0].text


def label(view: ReportView) -> str:
    """What must be said beside every number that comes from recorded answers; '' for others."""
    recorded = view.metrics is not None and view.metrics.recorded
    return f"{RECORDED}, no evidence for the prompts" if recorded else ""


def _context(view: ReportView) -> dict[str, Any]:
    flips, pairs = flip_rows(view), pair_rows(view.rows)
    scale, effects = bars(tuple(tables.effects(view.verdict)))
    where = links(flips, pairs)
    return {
        "view": view,
        "why": deciding_reason(view),
        "label": label(view),
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
        "documents": {name: blocks(text) for name, text in view.documents.items()},
        "title": f"{view.iteration} · {view.step}",
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
    verdict = view.verdict if metrics is view.metrics else None
    return SplitSection(
        name,
        metrics,
        grid(metrics, where),
        tables.model_table(metrics, verdict),
        tables.parts_table(metrics),
        tables.fields_table(metrics),
        tables.cost_table(metrics),
    )


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
    found = {"Train plans": numbers(view.verdict)}
    if view.verdict.verify is not None:
        found["Verify plans"] = verify_numbers(view.verdict.verify)
    return found
