"""The model x plan grid: each cell's scores before and after, and how strongly it changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from prompt_lab.analyze.model import Metrics, ScoreCell
from prompt_lab.report.words import compact, points, score

LEVELS = (0.005, 0.15, 0.4, 0.75)
"""From these changes on a cell takes the next shade."""


class Square(NamedTuple):
    """One cell as drawn; an empty one has text ''."""

    text: str
    shade: str
    link: str
    title: str


class Row(NamedTuple):
    """One model's cells, in the order of the grid's plans."""

    name: str
    squares: tuple[Square, ...]


class Grid(NamedTuple):
    """Plans from the largest gain to the largest loss; the last row is all models together."""

    plans: tuple[str, ...]
    rows: tuple[Row, ...]
    mean: Row


def grid(metrics: Metrics, links: Mapping[tuple[str, str], str]) -> Grid:
    """The grid of one batch; `links` maps (model, plan) to where the cell's runs are."""
    cells = {(cell.model, cell.plan): cell for cell in metrics.cells}
    plans = _ordered(metrics)
    models = tuple(dict.fromkeys(cell.model for cell in metrics.cells))
    rows = tuple(
        Row(model, tuple(_square(cells.get((model, plan)), links) for plan in plans))
        for model in models
    )
    by_plan: dict[str, list[ScoreCell]] = defaultdict(list)
    for cell in metrics.cells:
        by_plan[cell.plan].append(cell)
    means = tuple(_mean(by_plan[plan]) for plan in plans)
    return Grid(plans, rows, Row("all models", means))


def shade(change: float | None) -> str:
    """Class of a change: `p1` to `p4` for better, `n1` to `n4` for worse, `z` for none.

    >>> shade(1.0), shade(-0.2), shade(0.0), shade(None)
    ('p4', 'n2', 'z', 'one')
    """
    if change is None:
        return "one"
    level = sum(abs(change) >= limit for limit in LEVELS)
    return f"{'p' if change > 0 else 'n'}{level}" if level else "z"


def change(cell: ScoreCell) -> float | None:
    """Candidate minus baseline; None where a side is missing."""
    if cell.baseline is None or cell.candidate is None:
        return None
    return cell.candidate - cell.baseline


def _ordered(metrics: Metrics) -> tuple[str, ...]:
    found: dict[str, list[float]] = {plan: [] for plan in metrics.plans}
    for cell in metrics.cells:
        step = change(cell)
        found.setdefault(cell.plan, [])
        if step is not None:
            found[cell.plan].append(step)
    means = {plan: fmean(steps) if steps else 0.0 for plan, steps in found.items()}
    return tuple(sorted(found, key=lambda plan: (-means[plan], plan)))


def _square(cell: ScoreCell | None, links: Mapping[tuple[str, str], str]) -> Square:
    if cell is None:
        return Square("", "none", "", "no run")
    step = change(cell)
    title = f"{cell.model} on {cell.plan}: {score(cell.baseline)} → {score(cell.candidate)}"
    if step is not None:
        title += f", {points(step)} points"
    runs = max(cell.n_baseline, cell.n_candidate)
    title += f"; mean of {runs} runs a side" if runs > 1 else ""
    text = f"{compact(cell.baseline)}→{compact(cell.candidate)}"
    return Square(text, shade(step), links.get((cell.model, cell.plan), ""), title)


def _mean(cells: Sequence[ScoreCell]) -> Square:
    steps = [step for step in map(change, cells) if step is not None]
    if not steps:
        return Square("", "none", "", "no pair")
    before = _mean_or_none(c.baseline for c in cells if change(c) is not None)
    after = _mean_or_none(c.candidate for c in cells if change(c) is not None)
    title = f"all models: {score(before)} → {score(after)}, {points(after - before)} points"
    return Square(points(after - before), shade(after - before), "", title)


def _mean_or_none(values: Iterable[float | None]) -> float:
    return fmean(value for value in values if value is not None)
