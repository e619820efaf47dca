"""How much each kind of failure weighs on the side that the next iteration starts from."""

from dataclasses import dataclass
from statistics import fmean

from prompt_lab.analyze.model import FieldAccuracy, Metrics, ScoreCell, SideStats
from prompt_lab.names import Side

LOW = 0.5
"""A plan whose mean score is below this fails."""


@dataclass(frozen=True)
class Needs:
    """Shares in [0, 1] on one side. Without gold they are derived from the score."""

    side: Side
    runs: int
    primary: float
    invalid: float
    missing: float
    from_input: float
    made_up: float
    failing: tuple[ScoreCell, ...]
    prompt_tokens: float
    """Estimated tokens of the prompt; if it is unknown, of what a run sends, input included."""
    growth: float
    """The same divided by the baseline's; 1 if there is only one side."""

    @property
    def wrong_share(self) -> float:
        """Values that are present but wrong."""
        return self.from_input + self.made_up


def needs(metrics: Metrics) -> Needs:
    """Of the better side: the candidate where its score is higher, else the baseline."""
    before, after = metrics.totals.baseline, metrics.totals.candidate
    side = Side.CANDIDATE if _is_improved(after, before) else Side.BASELINE
    stats = after if side is Side.CANDIDATE else before
    invalid = 1 - stats.valid if stats else 0.0
    primary = stats.primary if stats else 0.0
    missing, from_input, made_up = _lost_shares(metrics, side, 1 - primary, invalid)
    return Needs(
        side=side,
        runs=stats.n if stats else 0,
        primary=primary,
        invalid=invalid,
        missing=missing,
        from_input=from_input,
        made_up=made_up,
        failing=_failing(metrics, side),
        prompt_tokens=_prompt_tokens(metrics, side),
        growth=_growth(metrics),
    )


def score_of(cell: ScoreCell, side: Side) -> float | None:
    """The cell's mean on one side."""
    return cell.baseline if side is Side.BASELINE else cell.candidate


def cell_told(cell: ScoreCell, side: Side) -> str:
    """The cell as evidence: model, plan, mean, and the run to look at."""
    path = cell.baseline_path if side is Side.BASELINE else cell.candidate_path
    return f"{cell.model} on {cell.plan}: {score_of(cell, side) or 0.0:.3f} ({path})"


def plan_means(metrics: Metrics, side: Side) -> list[tuple[str, float]]:
    """(plan, mean over the models) of one side, the lowest first."""
    means = []
    for plan in metrics.plans:
        scores = [score_of(cell, side) for cell in metrics.cells if cell.plan == plan]
        known = [score for score in scores if score is not None]
        if known:
            means.append((plan, fmean(known)))
    return sorted(means, key=lambda mean: mean[1])


def worst_fields(metrics: Metrics, side: Side) -> list[FieldAccuracy]:
    """Fields of one side, all models together, the least right first."""
    fields = [one for one in metrics.accuracy if one.side is side and not one.model]
    return sorted((one for one in fields if one.right < 1), key=lambda one: one.right)


def _failing(metrics: Metrics, side: Side) -> tuple[ScoreCell, ...]:
    found = [
        (score, cell)
        for cell in metrics.cells
        if (score := score_of(cell, side)) is not None and score < LOW
    ]
    return tuple(cell for _, cell in sorted(found, key=lambda item: item[0]))


def _is_improved(after: SideStats | None, before: SideStats | None) -> bool:
    return after is not None and (before is None or after.primary > before.primary)


def _prompt_tokens(metrics: Metrics, side: Side) -> float:
    stats = metrics.totals.baseline if side is Side.BASELINE else metrics.totals.candidate
    sent = stats.input_tokens / stats.n if stats else 0.0
    return metrics.prompt_tokens.get(side, sent)


def _growth(metrics: Metrics) -> float:
    before, after = (_prompt_tokens(metrics, side) for side in Side)
    return after / before if before and after else 1.0


def _lost_shares(
    metrics: Metrics, side: Side, lost: float, invalid: float
) -> tuple[float, float, float]:
    """(missing, from the inputs, made up) as shares of values; together no more than is lost.

    A scorer may forgive what a plain comparison does not, and it may judge one field alone.
    """
    fields = [one for one in metrics.accuracy if one.side is side and not one.model]
    fields = [one for one in fields if one.field == metrics.primary] or fields
    known = sum(one.n for one in fields)
    if not known:
        return 0.0, 0.0, max(0.0, lost - invalid)
    parts = [
        sum(one.missing for one in fields) / known,
        sum(one.from_input for one in fields) / known,
        sum(one.made_up for one in fields) / known,
    ]
    scale = min(1.0, lost / sum(parts)) if sum(parts) else 0.0
    return parts[0] * scale, parts[1] * scale, parts[2] * scale
