"""Before and after per model: scores, named parts and fields, latency, tokens and cost."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from prompt_lab.analyze.model import Metrics, ModelStats, SideStats
from prompt_lab.decide.verdict import Interval, ModelRow, Verdict
from prompt_lab.names import Side
from prompt_lab.report.axis import Axis, Bar, Effect, bars
from prompt_lab.report.numbers import is_of_screening
from prompt_lab.report.words import NOTHING, duration, money, points, score


class ValueChange(NamedTuple):
    """One number before and after, as text; `by` orders rows by how much it changed."""

    before: str
    after: str
    by: float | None
    note: str = ""
    tone: str = ""


class TableLine(NamedTuple):
    """A row of changes under a name."""

    name: str
    cells: tuple[ValueChange | None, ...]


class ReportTable(NamedTuple):
    """Column heads beside the rows; every row has one cell per head."""

    heads: tuple[str, ...]
    lines: tuple[TableLine, ...]


class ModelLine(NamedTuple):
    """One model in the table of effects."""

    name: str
    primary: ValueChange
    valid: ValueChange
    errors: ValueChange
    bar: Bar
    plans: int | None
    pairs: int | None


class ModelTable(NamedTuple):
    """All models on one scale."""

    axis: Axis
    lines: tuple[ModelLine, ...]

    @property
    def has_decision(self) -> bool:
        """Whether the verdict speaks of single models."""
        return any(line.plans is not None for line in self.lines)

    @property
    def has_effect(self) -> bool:
        """Whether there is an effect to draw."""
        return any(line.bar.value is not None for line in self.lines)


Pick = Callable[[SideStats], float]
Show = Callable[[float | None], str]


def model_table(metrics: Metrics, verdict: Verdict | None) -> ModelTable:
    """Every model with its effect; the verdict's interval where there is one."""
    judged = {row.model: row for row in verdict.models} if verdict else {}
    scale, drawn = bars([_effect(stats, judged.get(stats.model)) for stats in metrics.models])
    lines = []
    for stats, bar in zip(metrics.models, drawn, strict=True):
        row = judged.get(stats.model)
        lines.append(
            ModelLine(
                name=stats.model,
                primary=_score_change(stats, lambda side: side.primary),
                valid=_score_change(stats, lambda side: side.valid),
                errors=_errors(stats),
                bar=bar,
                plans=row.plans if row else None,
                pairs=row.pairs if row else None,
            )
        )
    return ModelTable(scale, tuple(lines))


def parts_table(metrics: Metrics) -> ReportTable:
    """Mean of each named part of the score, per model and for all."""
    sides = [s for m in (*metrics.models, metrics.totals) for s in (m.baseline, m.candidate) if s]
    names = tuple(dict.fromkeys(part for side in sides for part in side.parts))
    lines = [
        TableLine(stats.model or "all models", tuple(_part(stats, name) for name in names))
        for stats in _all(metrics)
    ]
    return ReportTable(names, tuple(lines))


def fields_table(metrics: Metrics) -> ReportTable:
    """Share of right values per field against gold, per model and for all; may be empty."""
    right = {(a.side, a.model, a.field): a.right for a in metrics.accuracy}
    fields = tuple(dict.fromkeys(a.field for a in metrics.accuracy))
    models = tuple(dict.fromkeys(stats.model for stats in _all(metrics)))
    lines = []
    for model in models:
        cells = tuple(
            _share_change(
                right.get((Side.BASELINE, model, field)),
                right.get((Side.CANDIDATE, model, field)),
            )
            for field in fields
        )
        if any(cells):
            lines.append(TableLine(model or "all models", cells))
    return ReportTable(fields if lines else (), tuple(lines))


def cost_table(metrics: Metrics) -> ReportTable:
    """Latency, tokens, cost and repeated calls, per model and for all."""
    columns: tuple[tuple[str, Pick, Show], ...] = (
        ("median seconds", lambda side: side.latency_median, duration),
        ("90 % within", lambda side: side.latency_p90, duration),
        ("tokens in", lambda side: side.input_tokens, _format_integer),
        ("tokens out", lambda side: side.output_tokens, _format_integer),
        ("cost", lambda side: side.cost_usd, money),
        ("calls", lambda side: side.calls, _format_integer),
        ("retries", lambda side: side.retries, _format_integer),
        ("reused", lambda side: side.reused, _format_integer),
    )
    lines = [
        TableLine(
            stats.model or "all models",
            tuple(_ratio(stats, pick, show) for _, pick, show in columns),
        )
        for stats in _all(metrics)
    ]
    return ReportTable(tuple(name for name, _, _ in columns), tuple(lines))


def _all(metrics: Metrics) -> Sequence[ModelStats]:
    return metrics.models if len(metrics.models) == 1 else (*metrics.models, metrics.totals)


def _effect(stats: ModelStats, row: ModelRow | None) -> Effect:
    if row is not None:
        interval = row.interval
        ends = (interval.low, interval.high) if interval else (None, None)
        return Effect(stats.model, row.effect, *ends)
    if stats.baseline is None or stats.candidate is None:
        return Effect(stats.model, None, None, None)
    return Effect(stats.model, stats.candidate.primary - stats.baseline.primary, None, None)


def _part(stats: ModelStats, name: str) -> ValueChange | None:
    both = (stats.baseline, stats.candidate)
    return _share_change(*(side.parts.get(name) if side else None for side in both))


def _score_change(stats: ModelStats, pick: Pick) -> ValueChange:
    both = _both(stats, pick)
    return _share_change(*both) or ValueChange(NOTHING, NOTHING, None)


def _share_change(before: float | None, after: float | None) -> ValueChange | None:
    """Two shares, where more is better; None where neither is known."""
    if before is None and after is None:
        return None
    if before is None or after is None:
        return ValueChange(score(before), score(after), None)
    by = after - before
    return ValueChange(score(before), score(after), by, points(by), _tone(by, 0.005))


def _errors(stats: ModelStats) -> ValueChange:
    before, after = _both(stats, lambda side: side.errors)
    by = after - before if before is not None and after is not None else None
    return ValueChange(
        _format_integer(before), _format_integer(after), by, "", _tone(-by, 0.5) if by else ""
    )


def _ratio(stats: ModelStats, pick: Pick, show: Show) -> ValueChange:
    """An amount, where neither more nor less is better; orders by what it is now."""
    before, after = _both(stats, pick)
    if not before or not after or before == after:
        return ValueChange(show(before), show(after), after)
    return ValueChange(show(before), show(after), after, f"×{after / before:.2f}")


def _both(stats: ModelStats, pick: Pick) -> tuple[float | None, float | None]:
    one, two = stats.baseline, stats.candidate
    return (pick(one) if one else None, pick(two) if two else None)


def _tone(by: float, least: float) -> str:
    if abs(by) < least:
        return ""
    return "better" if by > 0 else "worse"


def _format_integer(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def effects(verdict: Verdict | None) -> Iterable[Effect]:
    """The verdict's effect on train and, apart, on verify."""
    if verdict is None:
        return
    seen = verdict.screening
    decides_alone = seen is None or is_of_screening(verdict)
    if seen is not None and not decides_alone and seen.effect is not None:
        yield Effect("train", seen.effect, *_ends(seen.interval))
    if verdict.effect is not None:
        name = "train" if decides_alone else "verify"
        yield Effect(name, verdict.effect, *_ends(verdict.interval))
    if verdict.verify is not None:
        v = verdict.verify
        yield Effect("verify", v.effect, v.interval.low, v.interval.high)


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (interval.low, interval.high) if interval else (None, None)
