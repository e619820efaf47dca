"""Variants by model: success, cost and latency, and which of them no other one beats in all."""

from collections.abc import Iterable

from pydantic import Field

from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.canary import read_result
from prompt_lab.records import VERSION, Record

LEVEL = 0.95


class ParetoRow(Record):
    """One variant of a prompt on one model.

    `success` is a mean in [0, 1] with its exact 95 % interval (fractional results rounded to whole
    successes); cost in US dollars and latency in milliseconds are means, None where unknown.
    """

    prompt_id: str
    model: str
    variant: str
    calls: int
    success: float
    low: float
    high: float
    cost_usd: float | None
    latency_ms: float | None
    is_best: bool = Field(
        description="no other variant on the same model is at least as good in all three"
    )


class ParetoTable(Record):
    """promptops/selection/pareto.json."""

    version: int = VERSION
    when: str
    rows: tuple[ParetoRow, ...]


def tabulate_variants(outcomes: Iterable[CallOutcome]) -> list[ParetoRow]:
    """One row for each prompt, model and variant with a known result, the best success first."""
    groups: dict[tuple[str, str, str], list[CallOutcome]] = {}
    for one in outcomes:
        if one.prompt_id and one.variant and read_result(one) is not None:
            groups.setdefault((one.prompt_id, one.model, one.variant), []).append(one)
    rows = [_sum_up(key, calls) for key, calls in groups.items()]
    found = [
        row.model_copy(
            update={
                "is_best": not any(
                    _beats(other, row)
                    for other in rows
                    if (other.prompt_id, other.model) == (row.prompt_id, row.model)
                )
            }
        )
        for row in rows
    ]
    return sorted(found, key=lambda row: (row.prompt_id, row.model, -row.success, row.variant))


def _sum_up(key: tuple[str, str, str], calls: list[CallOutcome]) -> ParetoRow:
    results = [result for one in calls if (result := read_result(one)) is not None]
    total = sum(results)
    low, high = clopper_pearson(round(total), len(results), LEVEL)
    costs = [one.cost_usd for one in calls if one.cost_usd is not None]
    times = [one.latency_ms for one in calls if one.latency_ms is not None]
    prompt_id, model, variant = key
    return ParetoRow(
        prompt_id=prompt_id,
        model=model,
        variant=variant,
        calls=len(results),
        success=total / len(results),
        low=low,
        high=high,
        cost_usd=sum(costs) / len(costs) if costs else None,
        latency_ms=sum(times) / len(times) if times else None,
        is_best=False,
    )


def _beats(one: ParetoRow, other: ParetoRow) -> bool:
    """At least as good, as cheap and as fast, and better in one; unknown figures are not compared.

    A figure that one of both lacks leaves them incomparable.
    """
    gaps = [one.success - other.success]
    for first, second in ((one.cost_usd, other.cost_usd), (one.latency_ms, other.latency_ms)):
        if (first is None) != (second is None):
            return False
        if first is not None and second is not None:
            gaps.append(second - first)
    return min(gaps) >= 0 and max(gaps) > 0
