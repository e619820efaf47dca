"""The tables of the analyst's pages about runs and scores."""

from collections.abc import Callable

from prompt_lab.analyze.markdown import block, most, page, plain_line, table
from prompt_lab.analyze.model import Metrics, ModelStats, ScoreCell, SideStats
from prompt_lab.analyze.text_metrics import change, count, money, percent, score, seconds

ROWS = 40
"""Rows of a table that a page shows; the record holds them all."""
MANY_MODELS = 8


def summary(metrics: Metrics) -> str:
    """Both sides over all models: runs, validity, score and its parts, speed, tokens, money."""
    parts = [part for part in _parts(metrics) if part != metrics.primary]
    rows = [
        _row(metrics, "runs ok", lambda side: f"{side.ok} of {side.n}"),
        _row(metrics, "valid", lambda side: percent(side.valid)),
        _scores(metrics, f"**{plain_line(metrics.primary)}** (judged)", lambda side: side.primary),
        *(_scores(metrics, plain_line(part), _part(part)) for part in parts),
        _row(metrics, "latency, median", lambda side: seconds(side.latency_median)),
        _row(metrics, "latency, p90", lambda side: seconds(side.latency_p90)),
        _row(metrics, "tokens in", lambda side: count(side.input_tokens)),
        _row(metrics, "tokens out", lambda side: count(side.output_tokens)),
        _row(metrics, "cost", lambda side: money(side.cost_usd)),
        _row(metrics, "retries", lambda side: count(side.retries)),
        _row(metrics, "reused runs", lambda side: count(side.reused)),
    ]
    if metrics.lost:
        rows.insert(0, ("pairs without one side", str(metrics.lost), str(metrics.lost), "left out"))
    return table(("", "before", "after", "change"), rows)


def by_model(metrics: Metrics) -> str:
    """One row per model: score, validity, errors, speed, tokens and cost, before -> after."""
    rows = [
        (
            plain_line(stats.model),
            _arrow(stats, lambda side: score(side.primary)),
            change(
                stats.baseline.primary if stats.baseline else None,
                stats.candidate.primary if stats.candidate else None,
            ),
            _arrow(stats, lambda side: percent(side.valid)),
            _arrow(stats, lambda side: f"{side.errors} of {side.n}"),
            _arrow(stats, lambda side: seconds(side.latency_median)),
            _arrow(stats, lambda side: f"{side.output_tokens / side.n:.0f}"),
            _arrow(stats, lambda side: money(side.cost_usd)),
        )
        for stats in metrics.models
    ]
    head = ("model", "score", "change", "valid", "errors", "median", "tokens out a run", "cost")
    return table(head, rows)


def grid(metrics: Metrics) -> str:
    """Plans x models, before -> after, the largest losses first."""
    cells = {(cell.plan, cell.model): cell for cell in metrics.cells}
    models = [stats.model for stats in metrics.models][:MANY_MODELS]
    plans = sorted(metrics.plans, key=lambda plan: _mean_change(metrics, plan))
    rows, left = most(
        [
            [plain_line(plan), *(_cell(cells.get((plan, model))) for model in models)]
            for plan in plans
        ],
        ROWS,
    )
    hidden = len(metrics.models) - len(models)
    more = f"{hidden} more models are in the record only." if hidden else ""
    return page(table(("plan", *map(plain_line, models)), rows), left, more).strip()


def flips(metrics: Metrics) -> str:
    """Pairs that changed, in both directions, with their folders."""
    rows, left = most(
        [
            (
                "better" if flip.better else "worse",
                plain_line(flip.model),
                plain_line(flip.plan),
                str(flip.replicate),
                f"{score(flip.baseline)} → {score(flip.candidate)}",
                plain_line(flip.baseline_path),
                plain_line(flip.candidate_path),
            )
            for flip in metrics.flips
        ],
        ROWS,
    )
    head = ("", "model", "plan", "replicate", "score", "before", "after")
    return page(table(head, rows), left).strip()


def errors(metrics: Metrics) -> str:
    """Kinds of errors with counts, and one message of each, verbatim."""
    rows = [
        (
            error.side.value,
            plain_line(error.model),
            plain_line(error.kind),
            str(error.count),
            plain_line(", ".join(error.plans), 160),
        )
        for error in metrics.errors
    ]
    examples = [
        f"{plain_line(error.kind)}, {plain_line(error.model)}, {error.side}, "
        f"in {plain_line(error.path)}:\n\n" + block(error.example)
        for error in metrics.errors[:ROWS]
    ]
    if not rows:
        return ""
    return page(table(("side", "model", "kind", "runs", "plans"), rows), *examples).strip()


def _mean_change(metrics: Metrics, plan: str) -> float:
    both = [
        cell.candidate - cell.baseline
        for cell in metrics.cells
        if cell.plan == plan and cell.baseline is not None and cell.candidate is not None
    ]
    alone = [cell.baseline or cell.candidate or 0.0 for cell in metrics.cells if cell.plan == plan]
    known = both or alone
    return sum(known) / max(1, len(known))


def _cell(cell: ScoreCell | None) -> str:
    if cell is None:
        return "-"
    if cell.candidate is None or cell.baseline is None:
        return score(cell.baseline if cell.candidate is None else cell.candidate)
    if cell.baseline == cell.candidate:
        return score(cell.baseline)
    mark = "**" if cell.candidate < cell.baseline else ""
    return f"{mark}{score(cell.baseline)} → {score(cell.candidate)}{mark}"


def _arrow(stats: ModelStats, shown: Callable[[SideStats], str]) -> str:
    sides = [shown(side) for side in (stats.baseline, stats.candidate) if side is not None]
    return sides[0] if len(set(sides)) == 1 else " → ".join(sides)


def _row(metrics: Metrics, name: str, shown: Callable[[SideStats], str]) -> tuple[str, ...]:
    sides = (metrics.totals.baseline, metrics.totals.candidate)
    return name, *("-" if side is None else shown(side) for side in sides), ""


def _scores(metrics: Metrics, name: str, value: Callable[[SideStats], float]) -> tuple[str, ...]:
    sides = (metrics.totals.baseline, metrics.totals.candidate)
    before, after = (None if side is None else value(side) for side in sides)
    return name, score(before), score(after), change(before, after)


def _part(part: str) -> Callable[[SideStats], float]:
    return lambda side: side.parts.get(part, 0.0)


def _parts(metrics: Metrics) -> list[str]:
    sides = (metrics.totals.baseline, metrics.totals.candidate)
    return sorted({part for side in sides if side for part in side.parts})
