"""The guard of each model: none may be shown to lose more than the policy's margin."""

import numpy as np

from prompt_lab.decide.limits import limits
from prompt_lab.decide.pairs import ScoreTable, nan_mean
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Code, Reason, number, points
from prompt_lab.decide.result import Guard, Interval, ModelRow
from prompt_lab.names import plural


def model_rows(table: ScoreTable, policy: Policy) -> tuple[ModelRow, ...]:
    """One row per model with a whole pair; the level of the intervals is shared by the models."""
    level = policy.guard_alpha / max(len(table.models), 1)
    rows = []
    for at, model in enumerate(table.models):
        differences = table.by_model[:, at]
        there = np.isfinite(differences)
        if not there.any():
            continue
        sides = [
            float(np.nanmean(nan_mean(side[:, at, :], 1)[there]))
            for side in (table.baseline, table.candidate)
        ]
        values = differences[there]
        interval = Interval(**limits(values, level)._asdict()) if len(values) > 1 else None
        rows.append(
            ModelRow(
                model=model,
                plans=len(values),
                pairs=int(np.isfinite(table.differences[:, at, :]).sum()),
                baseline=sides[0],
                candidate=sides[1],
                effect=float(values.mean()),
                interval=interval,
            )
        )
    return tuple(rows)


def guard_models(rows: tuple[ModelRow, ...], policy: Policy) -> list[Guard]:
    """One guard per model. A loss that cannot be excluded is said, not punished."""
    if policy.model_margin is None:
        return [Guard(name="models", state="off", text="The policy sets no margin per model.")]
    return [_guard(row, policy.model_margin) for row in rows]


def _guard(row: ModelRow, margin: float) -> Guard:
    name, limit = f"model {row.model}", f"{margin * 100:g} points"
    numbers = {"effect": row.effect, "margin": margin, "plans": float(row.plans)}
    if row.interval is None:
        text = f"{row.model!r} has one plan only: a loss of more than {limit} cannot be excluded."
        return Guard(name=name, state="not shown", text=text, numbers=numbers)
    numbers |= {"low": row.interval.low, "high": row.interval.high}
    span = (
        f"{points(row.effect)} points ({points(row.interval.low)} to {points(row.interval.high)})"
    )
    if row.interval.high < -margin:
        on = f"{row.plans} {plural(row.plans, 'plan')}"
        text = f"{row.model!r} loses more than {limit}: {span} on {on}."
        facts = {"model": row.model} | {k: number(v) for k, v in numbers.items()}
        reason = Reason(code=Code.MODEL_WORSE, text=text, facts=facts)
        return Guard(name=name, state="failed", text=text, reason=reason, numbers=numbers)
    if row.interval.low > -margin:
        text = f"{row.model!r} loses no more than {limit}: {span}."
        return Guard(name=name, state="held", text=text, numbers=numbers)
    text = f"{row.model!r}: a loss of more than {limit} is neither shown nor excluded: {span}."
    return Guard(name=name, state="not shown", text=text, numbers=numbers)
