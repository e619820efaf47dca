"""The page of one analysis that another tool made: its runs, its documents, its oddities."""

from typing import NamedTuple

from prompt_lab.names import count
from prompt_lab.report.foreign_view import ForeignFolder, ForeignRun, ForeignView
from prompt_lab.report.html import render
from prompt_lab.report.markdown import blocks, inline
from prompt_lab.report.numbers import Fact
from prompt_lab.report.words import date, duration, money, path_href

FIRST = ("assessment.md", "synthesis.md")
"""The documents that a reader looks for first."""


class ForeignSquare(NamedTuple):
    """One cell of the grid; `link` leads to the run's folder."""

    text: str
    shade: str
    link: str
    title: str


class ForeignRow(NamedTuple):
    """One run folder's cells, in the order of the grid's plans."""

    name: str
    link: str
    ended: str
    squares: tuple[ForeignSquare, ...]


class Failure(NamedTuple):
    """A run that ended in an error."""

    model: str
    plan: str
    message: str
    seconds: float
    link: str


def render_foreign(view: ForeignView) -> str:
    """pages/<i>_<step>.html. Text of the other tool is escaped wherever it stands."""
    plans = tuple(sorted({run.plan for run in view.runs}))
    names = sorted(view.documents, key=lambda name: (_place(name), name))
    return render(
        "foreign.html.j2",
        view=view,
        why=inline(view.why),
        facts=_facts(view),
        plans=plans,
        rows=tuple(_row(view, folder, plans) for folder in view.folders),
        failures=_failures(view),
        odd=tuple(folder for folder in view.folders if folder.faults),
        documents={name: blocks(view.documents[name]) for name in names},
        title=f"{view.number} · {view.step}",
    )


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _facts(view: ForeignView) -> tuple[Fact, ...]:
    ended, runs = view.completion_count
    models = {folder.model for folder in view.folders}
    share = f"{ended / runs:.0%} of the runs" if runs else "no run recorded"
    known = f"recorded by {view.costed:,} of {count(runs, 'run')}"
    spent = Fact("cost", money(view.cost_usd), known if view.costed else "not recorded")
    return (
        Fact("ended", f"{ended:,} of {runs:,}", share),
        Fact("run folders", f"{len(view.folders):,}", count(len(models), "model")),
        Fact("time", duration(sum(run.seconds for run in view.runs)), "of all runs together"),
        spent,
        Fact("last run", date(view.created)[:10] or "–", "" if view.created else "not recorded"),
    )


def _row(view: ForeignView, folder: ForeignFolder, plans: tuple[str, ...]) -> ForeignRow:
    runs = {run.plan: run for run in folder.runs}
    squares = tuple(_square(view, folder, runs.get(plan), plan) for plan in plans)
    ended = f"{sum(run.ok for run in folder.runs)} of {len(folder.runs)}"
    return ForeignRow(folder.model, path_href(view.lab, folder.path), ended, squares)


def _square(view: ForeignView, folder: ForeignFolder, run: ForeignRun | None, plan: str) -> ForeignSquare:
    if run is None:
        return ForeignSquare("–", "one", "", f"{folder.model} on {plan}: no run recorded")
    sign, shade = ("✓", "p1") if run.ok else ("✕", "n3")
    took = duration(run.seconds) if run.seconds else "time not recorded"
    title = f"{folder.model} on {plan}: {'ended' if run.ok else 'error'}, {took}"
    title += f"\n{run.error}" if run.error else ""
    text = f"{sign} {run.seconds:,.0f} s" if run.seconds else sign
    return ForeignSquare(text, shade, path_href(view.lab, run.path), title)


def _failures(view: ForeignView) -> tuple[Failure, ...]:
    return tuple(
        Failure(folder.model, run.plan, run.error, run.seconds, path_href(view.lab, run.path))
        for folder in view.folders
        for run in folder.runs
        if not run.ok
    )
