"""Directions for a person or an agent: no built-in strategy carries them out."""

from collections.abc import Iterator, Sequence

from prompt_lab.analyze.duplicates import counts, folded
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.markdown import cut_line
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.needs import Needs, cell_told, plan_means
from prompt_lab.analyze.text_metrics import percent
from prompt_lab.names import Side, count
from prompt_lab.records import Direction

GRAVE = 0.7
"""A finding of a review with at least this weight must be fixed."""
_EXAMPLES = 4


def for_people(
    metrics: Metrics,
    needs: Needs,
    reviews: Sequence[AnalystFinding],
    others: Sequence[tuple[str, AnalystFinding]],
) -> Iterator[Direction]:
    """Directions that follow from the metrics.

    `others`: (analyst, its finding), of the insights and reviews.
    """
    yield from _copies(metrics, needs)
    yield from _locks(metrics, needs)
    yield from _objections(needs, reviews)
    yield from _from_analysts(others)
    yield from _lost_value_directions(metrics)
    yield from _weakest_model(metrics, needs)
    yield from _hardest_plans(metrics, needs)


def _copies(metrics: Metrics, needs: Needs) -> Iterator[Direction]:
    copies = [one for one in metrics.copied if one.side is needs.side and one.value]
    if copies:
        worst = copies[0]
        yield Direction(
            title=f"Replace the example whose value {cut_line(worst.phrase, 40)!r} comes back",
            strategy=None,
            why="Answers repeat a value of the prompt that their own input does not have.",
            evidence=tuple(
                f"{one.model}, {one.field}: {one.count} of {one.total} say "
                f"{cut_line(one.phrase, 40)!r} ({one.path})"
                for one in copies[:_EXAMPLES]
            ),
            expected=f"Up to {percent(worst.count / worst.total)} of {worst.model}'s answers.",
            rank_score=0.8 * worst.count / worst.total,
        )


def _locks(metrics: Metrics, needs: Needs) -> Iterator[Direction]:
    heads = [fold.head for fold in folded(metrics.openers)]
    locks = sorted(heads, key=lambda one: -one.share(needs.side))
    locks = [one for one in locks if one.share(needs.side) >= 0.5]
    if locks:
        worst = locks[0]
        yield Direction(
            title=f"Break the lock on {worst.phrase!r} in {worst.field!r}",
            strategy=None,
            why="Texts begin with the same words whatever the input. Forbidding the words moves "
            "the lock to others; asking for what must differ, or examples of unlike structure, "
            "breaks it.",
            evidence=tuple(
                f"{one.model}, {one.plan or 'all plans'}: {counts(one)} ({one.path})"
                for one in locks[:_EXAMPLES]
            ),
            expected=f"Every opening phrase well below {percent(worst.share(needs.side))}.",
            rank_score=0.3 * worst.share(needs.side),
        )


def _objections(needs: Needs, reviews: Sequence[AnalystFinding]) -> Iterator[Direction]:
    """The objections of a review to a change that may be merged."""
    grave = [one for one in reviews if one.weight >= GRAVE and one.side is needs.side]
    if grave:
        yield Direction(
            title=f"Fix what the review objects to: {cut_line(grave[0].text, 80)}",
            strategy=None,
            why=grave[0].text,
            evidence=tuple(part for one in grave[:_EXAMPLES] for part in one.evidence[:1]),
            expected="The same score without the objection.",
            rank_score=0.5 * grave[0].weight,
        )


def _from_analysts(others: Sequence[tuple[str, AnalystFinding]]) -> Iterator[Direction]:
    for analyst, finding in others[:2]:
        yield Direction(
            title=f"Follow {analyst}: {cut_line(finding.text, 90)}",
            strategy=None,
            why=finding.text,
            evidence=finding.evidence,
            expected="As the analyst says; the metrics do not measure it.",
            rank_score=0.5 * finding.weight,
        )


def _lost_value_directions(metrics: Metrics) -> Iterator[Direction]:
    lost = [one for one in metrics.flips if not one.better]
    if lost:
        yield Direction(
            title="Find out what the change broke on the plans that turned worse",
            strategy=None,
            why=f"{count(len(lost), 'pair')} turned worse, {len(metrics.flips) - len(lost)} "
            "better.",
            evidence=tuple(
                f"{one.model} on {one.plan}: {one.baseline:.3f} ({one.baseline_path}) -> "
                f"{one.candidate:.3f} ({one.candidate_path})"
                for one in lost[:_EXAMPLES]
            ),
            expected="The gain without the losses, in a smaller change.",
            rank_score=min(0.5, len(lost) / max(1, len(metrics.cells))),
        )


def _weakest_model(metrics: Metrics, needs: Needs) -> Iterator[Direction]:
    sides = [
        (stats.model, stats.baseline if needs.side is Side.BASELINE else stats.candidate)
        for stats in metrics.models
    ]
    known = sorted((side.primary, model) for model, side in sides if side is not None)
    if len(known) > 1 and known[0][0] < known[-1][0]:
        (low, weakest), (high, best) = known[0], known[-1]
        yield Direction(
            title=f"See why {weakest} lags behind {best}",
            strategy=None,
            why=f"The same prompt scores {low:.3f} with {weakest} and {high:.3f} with {best}.",
            evidence=tuple(
                cell_told(cell, needs.side) for cell in needs.failing if cell.model == weakest
            )[:_EXAMPLES]
            or (f"{weakest} {low:.3f}, {best} {high:.3f}",),
            expected=f"At most +{(high - low) / len(known):.3f} over all models.",
            rank_score=(high - low) / len(known),
        )


def _hardest_plans(metrics: Metrics, needs: Needs) -> Iterator[Direction]:
    hard = [(plan, mean) for plan, mean in plan_means(metrics, needs.side) if mean < 1][:_EXAMPLES]
    if hard:
        yield Direction(
            title=f"Read the plans that every prompt fails on: {', '.join(p for p, _ in hard)}",
            strategy=None,
            why="A plan that all models get wrong is ambiguous, or asks for what the prompt omits.",
            evidence=tuple(f"{plan}: {mean:.3f} over all models" for plan, mean in hard),
            expected=f"These {len(hard)} plans hold "
            f"{sum(1 - mean for _, mean in hard) / max(1, len(metrics.plans)):.3f} of the score.",
            rank_score=0.2 * (1 - hard[0][1]),
        )
