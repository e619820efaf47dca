"""A routing table beside the best single model, a random mix at equal cost and the oracle."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from prompt_lab.benchmark.interval import clustered_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DRAWS = 1000


class Estimate(NamedTuple):
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float


class RoutingComparison(NamedTuple):
    """Accuracy in [0, 1] and cost in dollars per item."""

    name: str
    accuracy: Estimate
    cost: Estimate

    @classmethod
    def of(
        cls, name: str, accuracy: tuple[float, float, float], cost: tuple[float, float, float]
    ) -> "RoutingComparison":
        """From a record's (value, low, high)."""
        return cls(name, Estimate(*accuracy), Estimate(*cost))


def compare_routing(
    correct: Floats, costs: Floats, choice: Ints, *, rng: np.random.Generator
) -> list[RoutingComparison]:
    """Four rows: the table, the best single model, a random mix at its cost, the oracle.

    `correct` is (item, model) in [0, 1], `costs` dollars of the same shape, `choice` the table's
    model for each item. Intervals by bootstrap over items. The oracle takes for each item the
    cheapest of the models that do it best.
    """
    rows = np.arange(len(choice))
    best = int(np.lexsort((costs.mean(axis=0), -correct.mean(axis=0)))[0])
    top = correct.max(axis=1, keepdims=True)
    oracle = np.where(correct >= top, costs, np.inf).argmin(axis=1)
    draws = rng.integers(0, len(choice), (DRAWS, len(choice)))

    def row(name: str, chosen: Ints) -> RoutingComparison:
        return RoutingComparison(
            name,
            _estimate_accuracy(correct[rows, chosen], draws),
            _estimate(costs[rows, chosen], draws),
        )

    table = row("routing table", choice)
    weights = mix_at_cost(correct.mean(axis=0), costs.mean(axis=0), table.cost.value)
    mix = RoutingComparison(
        "random mix at equal cost",
        _estimate_accuracy(correct @ weights, draws),
        _estimate(costs @ weights, draws),
    )
    return [table, row("best single model", np.full(len(choice), best)), mix, row("oracle", oracle)]


def mix_at_cost(accuracy: Floats, cost: Floats, budget: float) -> Floats:
    """Weights of the models in the most accurate random mix that costs at most `budget`.

    At most two models are needed: a linear program with one constraint.
    """
    best = np.zeros(len(accuracy))
    best[int(cost.argmin())] = 1.0
    for i in range(len(accuracy)):
        for j in range(len(accuracy)):
            if cost[i] > budget or (i != j and cost[j] <= budget):
                continue
            share = (budget - cost[i]) / (cost[j] - cost[i]) if cost[j] > cost[i] else 0.0
            weights = np.zeros(len(accuracy))
            weights[i] += 1 - share
            weights[j] += share
            if weights @ accuracy > best @ accuracy:
                best = weights
    return best


def _estimate(values: Floats, draws: Ints) -> Estimate:
    means = values[draws].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))


def _estimate_accuracy(values: Floats, draws: Ints) -> Estimate:
    """As `_estimate`; Clopper and Pearson's limits where all items are right, or all are wrong.

    No draw can differ there, so that a bootstrap would claim to know the accuracy exactly.
    """
    if values.min() == values.max() and values[0] in (0.0, 1.0):
        found = clustered_interval([[bool(one)] for one in values])
        if found is not None:
            return Estimate(found.accuracy, found.low, found.high)
    return _estimate(values, draws)


def render_comparison(rows: list[RoutingComparison]) -> str:
    """The table in plain text, costs in dollars per thousand items."""
    lines = [f"{'':26}{'accuracy':>26}{'$ per 1,000':>26}"]
    for row in rows:
        a, c = row.accuracy, row.cost
        quality = f"{a.value:.1%} ({a.low:.1%} to {a.high:.1%})"
        cost = f"{1000 * c.value:.3f} ({1000 * c.low:.3f} to {1000 * c.high:.3f})"
        lines.append(f"{row.name:26}{quality:>26}{cost:>26}")
    return "\n".join(lines)
