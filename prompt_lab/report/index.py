"""lab/index.html: every iteration in a table, and the score over iterations as a picture."""

from collections.abc import Sequence
from typing import NamedTuple

from prompt_lab.names import Outcome, count
from prompt_lab.report.axis import Effect, bars
from prompt_lab.report.chart import charts
from prompt_lab.report.html import render
from prompt_lab.report.numbers import Fact
from prompt_lab.report.view import (
    ErrorBudgetView,
    LedgerEntry,
    LoopRow,
    OddFolder,
    ParetoFront,
    PromotionRow,
)
from prompt_lab.report.words import money, path_href

KINDS = {
    "trial": "trials",
    "verify": "readings of verify",
    "origin": "comparisons with the first baseline",
}


class IrregularGroup(NamedTuple):
    """All folders with the same faults; `folders` are (path, link)."""

    why: str
    size: str
    folders: tuple[tuple[str, str], ...]


def render_index(
    entries: Sequence[LedgerEntry],
    budgets: Sequence[ErrorBudgetView] = (),
    *,
    irregular: Sequence[OddFolder] = (),
    fronts: Sequence[ParetoFront] = (),
    loops: Sequence[LoopRow] = (),
    promotions: Sequence[PromotionRow] = (),
    floors: Sequence[str] = (),
    title: str = "All iterations",
) -> str:
    """The page of the whole lab, newest iteration first; an entry may hold few facts.

    `floors`: steps whose noise floor has a page.
    """
    newest = sorted(entries, key=lambda entry: -entry.iteration)
    scale, drawn = bars([Effect(str(e.iteration), e.effect, e.low, e.high) for e in newest])
    return render(
        "index.html.j2",
        title=title,
        entries=tuple(zip(newest, drawn, strict=True)),
        scale=scale,
        measured=any(entry.effect is not None for entry in entries),
        ended=any(entry.ended is not None for entry in entries),
        costed=any(entry.cost_usd is not None for entry in entries),
        dated=any(entry.created for entry in entries),
        fronts=tuple(front for front in fronts if front.rows),
        promotions=tuple(sorted(promotions, key=lambda row: -row.sequence)),
        loops=tuple(sorted(loops, key=lambda row: -row.loop)),
        reports={entry.iteration: entry.report for entry in entries},
        odd=_by_faults(irregular),
        floors=[(step, path_href("noise_floor", f"{step}.html")) for step in floors],
        n_odd=count(len(irregular), "folder"),
        charts=charts(entries),
        budgets=budgets,
        kinds=KINDS,
        facts=_facts(entries),
    )


def _known_costs_note(costs: Sequence[float], entries: Sequence[LedgerEntry]) -> str:
    """What a sum of costs covers; '' if all."""
    if any(entry.without_sealed for entry in entries):
        return "* without the runs on sealed plans"
    return (
        f"in {len(costs)} of {count(len(entries), 'iteration')}"
        if costs and any(entry.foreign for entry in entries)
        else ""
    )


def _by_faults(irregular: Sequence[OddFolder]) -> tuple[IrregularGroup, ...]:
    """Group folders by their faults; each folder is in one group."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in irregular:
        found.setdefault("; ".join(one.faults), []).append((one.path, path_href(one.path)))
    odd = [
        IrregularGroup(why, count(len(some), "folder"), tuple(some)) for why, some in found.items()
    ]
    return tuple(sorted(odd, key=lambda group: (len(group.folders), group.why)))


def _facts(entries: Sequence[LedgerEntry]) -> tuple[Fact, ...]:
    outcomes = [entry.outcome for entry in entries if entry.outcome is not None]
    costs = [entry.cost_usd for entry in entries if entry.cost_usd is not None]
    counts = ", ".join(f"{outcomes.count(o)} {o}" for o in Outcome if o in outcomes)
    known = not entries or not all(entry.foreign for entry in entries)
    merged = sum(entry.merged for entry in entries)
    reverted = sum(bool(entry.reverted) for entry in entries)
    return (
        Fact("iterations", f"{len(entries):,}"),
        Fact("verdicts", counts or "none recorded"),
        Fact("merged", f"{merged:,}" if known else "not recorded"),
        Fact("reverted", f"{reverted:,}" if known else "not recorded"),
        Fact(
            "cost",
            money(sum(costs)) if costs else "not recorded",
            _known_costs_note(costs, entries),
        ),
    )
