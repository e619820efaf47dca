"""The page of an analysis that another tool made: its runs, documents and irregular folders."""

from typing import NamedTuple

from pydantic import Field

from prompt_lab.names import Outcome, count
from prompt_lab.records import Record
from prompt_lab.report.html import render
from prompt_lab.report.markdown import render_inline, render_markdown
from prompt_lab.report.numbers import Fact
from prompt_lab.report.words import date, duration, money, path_href


class ForeignRun(Record):
    """One plan of a run folder."""

    plan: str
    ok: bool = Field(description="it ended without an error")
    seconds: float
    error: str = Field(default="", description="the message, verbatim")
    path: str = Field(description="its folder, or the run folder where it was not kept")


class ForeignFolder(Record):
    """One run folder: one model on its plans."""

    path: str = Field(description="relative to the lab")
    model: str
    runs: tuple[ForeignRun, ...]
    faults: tuple[str, ...] = ()


class ForeignView(Record):
    """One analysis that another tool made. What it did not record is empty or None."""

    number: int
    step: str
    path: str = Field(description="the analysis folder, relative to the lab")
    title: str = ""
    pull: int | None = None
    pull_url: str = ""
    description: str = ""
    outcome: Outcome | None = None
    said: str = Field(default="", description="the other tool's word, where it is none of ours")
    why: str = ""
    created: str = Field(default="", description="time stamp of its last run")
    cost_usd: float | None = Field(default=None, description="of the runs that recorded theirs")
    costed: int = Field(default=0, description="runs whose cost was recorded")
    folders: tuple[ForeignFolder, ...] = ()
    documents: dict[str, str] = Field(default={}, description="file name -> markdown, in order")
    faults: tuple[str, ...] = ()
    lab: str = Field(default="..", description="from the page's folder to the lab")
    earlier: str = Field(default="", description="file name of the page before this one")
    later: str = ""

    @property
    def runs(self) -> tuple[ForeignRun, ...]:
        """Every plan of every run folder."""
        return tuple(run for folder in self.folders for run in folder.runs)

    @property
    def completion_count(self) -> tuple[int, int]:
        """Plans that ended without an error, of how many."""
        return sum(run.ok for run in self.runs), len(self.runs)


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
        why=render_inline(view.why),
        facts=_facts(view),
        plans=plans,
        rows=tuple(_row(view, folder, plans) for folder in view.folders),
        failures=_failures(view),
        odd=tuple(folder for folder in view.folders if folder.faults),
        documents={name: render_markdown(view.documents[name]) for name in names},
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


def _square(
    view: ForeignView, folder: ForeignFolder, run: ForeignRun | None, plan: str
) -> ForeignSquare:
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
