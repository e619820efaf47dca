"""The Pareto front of a step: candidates that no other beats on every model, in cost and length.

A branch that loses over all models may win on one; it stays here, to start from again. Scores are
means in [0, 1], costs US dollars a run, lengths characters of the prompt.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.names import Outcome

LEAST_COMMON = 0.5
"""Two are compared on a model only if they share this part of the plans of the smaller one."""
TINY = 1e-12

Cells = Mapping[str, Mapping[str, float]]
"""model -> plan (with a digest of its texts) -> number."""


class Point(BaseModel):
    """One version of a prompt, as far as it was measured. Versions of equal content are one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content: str = Field(description="sha256 of prompt and schema")
    commit: str
    branch: str
    iteration: int = Field(description="that judged it; of a baseline the first that had it")
    title: str
    outcome: Outcome | None = Field(default=None, description="None: it was the baseline only")
    length: int = Field(description="characters of the prompt")
    quality: dict[str, dict[str, float]]
    cost: dict[str, dict[str, float]] = {}


def with_points(known: Sequence[Point], new: Sequence[Point]) -> tuple[Point, ...]:
    """All versions ever measured; one that is measured again keeps the cells of both times.

    Adding the same points twice changes nothing.
    """
    found = {point.content: point for point in known}
    for point in new:
        old = found.get(point.content)
        found[point.content] = point if old is None else _joined(old, point)
    return tuple(sorted(found.values(), key=lambda p: (p.iteration, p.content)))


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """Those that no other one beats, by iteration.

    Comparisons on different plans may run in a circle; the newest of such a circle stays.
    """
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (-p.iteration, p.content)):
        if not any(beats(other, point) for other in kept):
            kept = [*(other for other in kept if not beats(point, other)), point]
    return tuple(sorted(kept, key=lambda p: (p.iteration, p.content)))


def beats(one: Point, other: Point) -> bool:
    """At least as good on every model of the other one, as cheap and as short; better in one."""
    gaps = []
    for model in other.quality:
        plans = _comparable(one, other, model)
        if not plans:
            return False
        gaps.append(_mean(one.quality, model, plans) - _mean(other.quality, model, plans))
        gaps.append(_mean(other.cost, model, plans) - _mean(one.cost, model, plans))
    gaps.append(other.length - one.length)
    return all(gap >= -TINY for gap in gaps) and any(gap > TINY for gap in gaps)


def best_on(points: Sequence[Point], model: str) -> Point | None:
    """The front's best on one model; of equals the shorter, then the newer. None: unmeasured.

    It is a place to start from and no verdict: the best of many is in part the luckiest.
    """
    known = [point for point in front(points) if point.quality.get(model)]
    means = qualities(known)
    ranked = sorted(
        zip(known, means, strict=True),
        key=lambda item: (-item[1][model], item[0].length, -item[0].iteration),
    )
    return ranked[0][0] if ranked else None


def qualities(points: Sequence[Point]) -> list[dict[str, float]]:
    """Of each point: model -> mean score, on the plans that all points with that model share.

    Where they share none each is shown on its own plans.
    """
    models = sorted({model for point in points for model in point.quality})
    shared = {
        model: _shared([p for p in points if p.quality.get(model)], model) for model in models
    }
    return [
        {m: _mean(p.quality, m, shared[m] or set(p.quality[m])) for m in models if p.quality.get(m)}
        for p in points
    ]


def _comparable(one: Point, other: Point, model: str) -> set[str]:
    plans = one.quality.get(model, {}).keys() & other.quality[model].keys()
    fewest = min(len(one.quality.get(model, {})), len(other.quality[model]))
    return set(plans) if plans and len(plans) >= LEAST_COMMON * fewest else set()


def _shared(points: Sequence[Point], model: str) -> set[str]:
    sets = [set(point.quality[model]) for point in points]
    return set.intersection(*sets) if sets else set()


def _mean(cells: Cells, model: str, plans: set[str]) -> float:
    found = [value for plan, value in cells.get(model, {}).items() if plan in plans]
    return fmean(found) if found else 0.0


def _joined(old: Point, new: Point) -> Point:
    """It goes by the iteration that judged it, the last if there were several."""
    later, earlier = (new, old) if new.iteration >= old.iteration else (old, new)
    models = {**old.quality, **new.quality}
    named = later if later.outcome is not None else earlier
    return named.model_copy(
        update={
            "quality": {m: {**old.quality.get(m, {}), **new.quality.get(m, {})} for m in models},
            "cost": {
                m: {**old.cost.get(m, {}), **new.cost.get(m, {})}
                for m in models
                if m in old.cost or m in new.cost
            },
        }
    )
