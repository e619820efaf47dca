"""Pages and ledger entries of another tool's analyses."""

from pathlib import Path

from prompt_lab.names import Side, Status
from prompt_lab.records import RunRow
from prompt_lab.report.planexe import ForeignFolder, ForeignRun, ForeignView
from prompt_lab.report.view import LedgerEntry
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.analyses import Analysis, read_analysis
from prompt_lab.store.planexe.runs import ForeignRunFolder, read_batch_of

WHY = 220
"""The most characters of a verdict's reason in the ledger."""


def foreign_page(lab: Lab, number: int, step: str) -> Path:
    """The path of an analysis' page, outside the folders of the other tool."""
    return lab.root / "pages" / f"{number}_{step}.html"


def foreign_entry(lab: Lab, number: int, step: str) -> LedgerEntry:
    """An analysis as a line of the ledger; its score is the share of its runs that ended."""
    analysis = read_analysis(lab, number, step)
    view = foreign_view(lab, analysis)
    page = foreign_page(lab, number, step)
    ended, runs = view.completion_count
    return LedgerEntry(
        iteration=number,
        step=analysis.step,
        title=analysis.title,
        pull=analysis.pull,
        pull_url=analysis.pull_url,
        outcome=analysis.verdict.outcome,
        said=analysis.verdict.said,
        why=_shorten(analysis.verdict.why),
        candidate=ended / runs if runs else None,
        ended=(ended, runs) if runs else None,
        cost_usd=view.cost_usd,
        created=view.created,
        report=lab.relative(page) if page.exists() else "",
        foreign=True,
    )


def foreign_view(lab: Lab, analysis: Analysis) -> ForeignView:
    """An analysis with the run folders that it cites."""
    batches = [read_batch_of(lab, lab.history / one, Side.CANDIDATE) for one in analysis.cited]
    rows = [row for batch in batches for row in batch.rows]
    costs = [row.record.usage.cost_usd for row in rows if row.record.usage.cost_usd]
    return ForeignView(
        number=analysis.number,
        step=analysis.step,
        path=analysis.path,
        title=analysis.title,
        pull=analysis.pull,
        pull_url=analysis.pull_url,
        description=analysis.description,
        outcome=analysis.verdict.outcome,
        said=analysis.verdict.said,
        why=analysis.verdict.why,
        created=max((row.record.ended for row in rows), default=""),
        cost_usd=sum(costs) if costs else None,
        costed=len(costs),
        folders=tuple(_folder(lab, batch) for batch in batches),
        documents=analysis.documents,
        faults=analysis.faults,
    )


def _folder(lab: Lab, batch: ForeignRunFolder) -> ForeignFolder:
    runs = tuple(_run(lab, batch, row) for row in batch.rows)
    return ForeignFolder(path=batch.path, model=batch.model, runs=runs, faults=batch.faults)


def _run(lab: Lab, batch: ForeignRunFolder, row: RunRow) -> ForeignRun:
    record = row.record
    return ForeignRun(
        plan=record.plan,
        ok=record.status is Status.OK,
        seconds=record.duration_seconds,
        error=record.error.message if record.error else "",
        path=row.path if (lab.root / row.path).is_dir() else batch.path,
    )


def _shorten(text: str) -> str:
    """The first sentences that fit, without the marks of Markdown."""
    flat = text.replace("**", "").replace("`", "")
    if len(flat) <= WHY:
        return flat
    cut = flat[:WHY]
    end = cut.rfind(". ")
    return cut[: end + 1] if end > WHY // 3 else cut[: cut.rfind(" ")] + " …"
