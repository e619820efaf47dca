"""Directions that always apply, to complete the list when the failures suggest fewer than five."""

from collections.abc import Callable, Iterator

from prompt_lab.analyze.model import Metrics, SideStats
from prompt_lab.analyze.needs import Needs, cell_told, plan_means, score_of
from prompt_lab.analyze.text_metrics import seconds
from prompt_lab.names import Side, count
from prompt_lab.records import Direction

ENOUGH_PLANS = 20
_EXAMPLES = 4


def always(metrics: Metrics, needs: Needs) -> Iterator[Direction]:
    """Five, the most useful first; none of them changes the prompt."""
    yield _more_plans(metrics, needs)
    yield _replicates(metrics)
    yield _slowest(metrics, needs)
    yield _unmeasured(metrics, needs)
    yield _costliest(metrics, needs)


def _more_plans(metrics: Metrics, needs: Needs) -> Direction:
    means = plan_means(metrics, needs.side)
    like = f" like {means[0][0]!r} ({means[0][1]:.3f})" if means else ""
    return Direction(
        title=f"Add plans{like}",
        strategy=None,
        why=f"{count(len(metrics.plans), 'plan')} can hardly tell small differences from chance.",
        evidence=(
            f"{count(len(metrics.plans), 'plan')}, {count(needs.runs, 'run')} on the {needs.side}",
        ),
        expected="Smaller differences become visible; the score itself does not change.",
        rank_score=0.08 if len(metrics.plans) < ENOUGH_PLANS else 0.02,
    )


def _replicates(metrics: Metrics) -> Direction:
    return Direction(
        title="Run sampled models more than once",
        strategy=None,
        why=f"Each model answered each plan {count(metrics.replicates, 'time')} on a side.",
        evidence=(
            f"{count(metrics.replicates, 'replicate')} of {count(len(metrics.cells), 'cell')}",
        ),
        expected="Less noise per plan; no change of the score.",
        rank_score=0.03 / max(1, metrics.replicates),
    )


def _slowest(metrics: Metrics, needs: Needs) -> Direction:
    slow, model = _most(metrics, needs, lambda stats: stats.latency_median)
    return Direction(
        title=f"Ask whether {model} is worth its time",
        strategy=None,
        why=f"Its median time per run is {seconds(slow)}.",
        evidence=(f"{model}: {seconds(slow)}",),
        expected="Shorter iterations; the score per model is unchanged.",
        rank_score=0.01,
    )


def _costliest(metrics: Metrics, needs: Needs) -> Direction:
    tokens, model = _most(metrics, needs, lambda stats: stats.output_tokens / stats.n)
    return Direction(
        title=f"Ask what the tokens of {model} buy",
        strategy=None,
        why=f"It writes {tokens:.0f} tokens a run, more than any other model.",
        evidence=(f"{model}: {tokens:.0f} output tokens a run",),
        expected="Lower cost; the score per model is unchanged.",
        rank_score=0.005,
    )


def _unmeasured(metrics: Metrics, needs: Needs) -> Direction:
    best = sorted(metrics.cells, key=lambda cell: -(score_of(cell, needs.side) or 0.0))
    return Direction(
        title="Read answers with a full score, and ask what the score misses",
        strategy=None,
        why=f"The score sees {metrics.primary!r} alone, {needs.primary:.3f} on the {needs.side}.",
        evidence=tuple(cell_told(cell, needs.side) for cell in best[:_EXAMPLES]),
        expected="A part of the score for what is found; no change by itself.",
        rank_score=0.008,
    )


def _most(metrics: Metrics, needs: Needs, value: Callable[[SideStats], float]) -> tuple[float, str]:
    sides = [
        (value(side), stats.model)
        for stats in metrics.models
        if (side := stats.baseline if needs.side is Side.BASELINE else stats.candidate)
    ]
    return max(sides, default=(0.0, "no model"))
