"""Beside the lab's routing table: the best single model, a random mix at equal cost, the oracle."""

from collections.abc import Mapping, Sequence

import numpy as np

from prompt_lab.benchmark.compare_routing import (
    Floats,
    RoutingComparison,
    compare_routing,
    render_comparison,
)
from prompt_lab.benchmark.enforce_routing import Fallbacks, decide_route
from prompt_lab.benchmark.pooled_answers import counts
from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.benchmark.routing_rules import RoutingConfig
from prompt_lab.records import VERSION, Record

COMPARISON = "routing_comparison.json"
NOBODY = "no model"
"""What does a phase where the table blocks the model: nothing right, at no cost."""
Item = tuple[str, str]
"""(phase, suite/plan)."""
Cells = dict[Item, tuple[float, float]]
"""Item -> mean passes in [0, 1] and mean dollars of an answer."""


class ComparisonRow(Record):
    """Accuracy in [0, 1] and dollars per answer, each (value, low, high) of a 95 % interval."""

    name: str
    accuracy: tuple[float, float, float]
    cost: tuple[float, float, float]


class TableComparison(Record):
    """What the table does for those who ask for one model."""

    asked: str
    choices: dict[str, str]
    """phase -> the model that does it."""
    models: tuple[str, ...]
    items: int
    """Plans that all these models answered."""
    rows: tuple[ComparisonRow, ...]


class TableComparisons(Record):
    """routing_comparison.json."""

    version: int = VERSION
    tables: tuple[TableComparison, ...] = ()


def compare_table(
    recent: Sequence[BenchmarkResults],
    routing: RoutingConfig,
    *,
    rng: np.random.Generator,
    fallbacks: Fallbacks | None = None,
) -> TableComparisons:
    """One comparison for each model that the table keeps from a phase.

    Over the plans of all phases that this model was measured on, as far as the models of the table
    answered them all. A model without such plans has none.
    """
    cells = _cells(recent)
    asked = sorted({rule.model for rule in routing.rules if not rule.allow} & cells.keys())
    found = (_compare(cells, model, routing, fallbacks, rng) for model in asked)
    return TableComparisons(tables=tuple(one for one in found if one is not None))


def _cells(recent: Sequence[BenchmarkResults]) -> dict[str, Cells]:
    """Model -> its cells, repeats pooled."""
    sums: dict[str, dict[Item, list[float]]] = {}
    for one in recent:
        for row in one.models:
            for plan in row.plans if counts(row) else ():
                item = (row.phase, f"{one.suite}/{plan.plan}")
                found = sums.setdefault(row.model, {}).setdefault(item, [0.0, 0.0, 0.0])
                added = (plan.pattern.count("P"), plan.cost_usd, len(plan.pattern))
                sums[row.model][item] = [x + y for x, y in zip(found, added, strict=True)]
    return {
        model: {item: (passed / n, cost / n) for item, (passed, cost, n) in of.items() if n}
        for model, of in sums.items()
    }


def _compare(
    cells: Mapping[str, Cells],
    asked: str,
    routing: RoutingConfig,
    fallbacks: Fallbacks | None,
    rng: np.random.Generator,
) -> TableComparison | None:
    phases = sorted({phase for phase, _ in cells[asked]})
    choices = {
        phase: decide_route(asked, phase, routing, fallbacks=fallbacks).model for phase in phases
    }
    doing = {model for model in choices.values() if model}
    if not doing <= cells.keys():
        return None
    items = sorted(set.intersection(*(set(cells[model]) for model in {asked, *doing})))
    if not items:
        return None
    models = [model for model in sorted(cells) if set(items) <= cells[model].keys()]
    table = np.array([[cells[model][item] for model in models] for item in items])
    if "" in choices.values():
        models.append(NOBODY)
        table = np.concatenate([table, np.zeros((len(items), 1, 2))], axis=1)
    choice = np.array([models.index(choices[phase] or NOBODY) for phase, _ in items])
    correct: Floats = table[:, :, 0]
    rows = compare_routing(correct, table[:, :, 1], choice, rng=rng)
    return TableComparison(
        asked=asked,
        choices={phase: model or NOBODY for phase, model in choices.items()},
        models=tuple(models),
        items=len(items),
        rows=tuple(
            ComparisonRow(name=row.name, accuracy=tuple(row.accuracy), cost=tuple(row.cost))
            for row in rows
        ),
    )


def render_table_comparisons(found: TableComparisons) -> str:
    """The comparisons as a person reads them; '' where there are none."""
    parts = []
    for table in found.tables:
        chosen = ", ".join(f"{phase} by {model}" for phase, model in table.choices.items())
        rows = [RoutingComparison.of(row.name, row.accuracy, row.cost) for row in table.rows]
        head = f"  Asked for {table.asked}: {chosen} ({table.items} plans)"
        parts += [head, render_comparison(rows)]
    return "\n".join(parts)
