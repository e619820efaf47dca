"""lab/index.html: every iteration in a table, and the score over iterations as a picture."""

from collections.abc import Sequence

from prompt_lab.names import Outcome
from prompt_lab.report.axis import Effect, bars
from prompt_lab.report.chart import charts
from prompt_lab.report.html import render
from prompt_lab.report.numbers import Fact
from prompt_lab.report.view import Budget, LedgerEntry
from prompt_lab.report.words import money

KINDS = {
    "trial": "trials",
    "verify": "readings of verify",
    "origin": "comparisons with the first baseline",
}


def render_index(
    entries: Sequence[LedgerEntry],
    budgets: Sequence[Budget] = (),
    *,
    title: str = "All iterations",
) -> str:
    """The page of the whole lab, newest iteration first; an entry may hold few facts."""
    newest = sorted(entries, key=lambda entry: -entry.iteration)
    scale, drawn = bars([Effect(str(e.iteration), e.effect, e.low, e.high) for e in newest])
    return render(
        "index.html.j2",
        title=title,
        entries=tuple(zip(newest, drawn, strict=True)),
        scale=scale,
        measured=any(entry.effect is not None for entry in entries),
        charts=charts(entries),
        budgets=budgets,
        kinds=KINDS,
        facts=_facts(entries),
    )


def _facts(entries: Sequence[LedgerEntry]) -> tuple[Fact, ...]:
    told = [entry.outcome for entry in entries if entry.outcome is not None]
    costs = [entry.cost_usd for entry in entries if entry.cost_usd is not None]
    counts = ", ".join(f"{told.count(o)} {o}" for o in Outcome if o in told)
    return (
        Fact("iterations", f"{len(entries):,}"),
        Fact("verdicts", counts or "none recorded"),
        Fact("merged", f"{sum(entry.merged for entry in entries):,}"),
        Fact("reverted", f"{sum(entry.reverted_in is not None for entry in entries):,}"),
        Fact("cost", money(sum(costs)) if costs else "not recorded"),
    )
