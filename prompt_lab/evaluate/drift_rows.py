"""The drift test on the rows of a batch: probes against the reused runs that they repeat."""

from collections.abc import Sequence, Set
from statistics import fmean

from prompt_lab.evaluate.drift import drifted
from prompt_lab.names import Side
from prompt_lab.records import RunRow

DRIFT_ALPHA = 0.01


def drifted_models(rows: Sequence[RunRow], models: Set[str]) -> dict[str, str]:
    """Test each model's probes, one value a plan; the level is shared among the models."""
    probes = [row for row in rows if row.record.replicate < 0]
    old = [row for row in rows if row.reused and row.record.side is Side.BASELINE]
    found = {}
    for model in sorted(models):
        now, then = _plan_means(model, probes), _plan_means(model, old)
        plans = sorted(now.keys() & then.keys())
        alpha = DRIFT_ALPHA / len(models)
        result = drifted([then[p] for p in plans], [now[p] for p in plans], alpha)
        if result.drifted:
            found[model] = result.text
    return found


def _plan_means(model: str, rows: Sequence[RunRow]) -> dict[str, float]:
    scores: dict[str, list[float]] = {}
    for row in rows:
        if row.record.model == model:
            scores.setdefault(row.record.plan, []).append(row.record.primary)
    return {plan: fmean(of) for plan, of in scores.items()}
