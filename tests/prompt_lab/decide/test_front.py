"""The front keeps what wins anywhere, and lets go of what is beaten everywhere."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.decide.front import Point, beats, best_on, front, qualities, with_points
from prompt_lab.names import Outcome

PLANS = ("p1", "p2", "p3", "p4")


def _point(name: str, length: int = 100, iteration: int = 1, **scores: float) -> Point:
    return Point(
        content=name,
        commit=name,
        branch=name,
        iteration=iteration,
        title=name,
        outcome=Outcome.NO,
        length=length,
        quality={model: dict.fromkeys(PLANS, score) for model, score in scores.items()},
    )


def _names(points: tuple[Point, ...]) -> set[str]:
    return {point.content for point in points}


def test_a_branch_that_wins_on_one_model_is_not_forgotten() -> None:
    main = _point("main", haiku=0.5, llama=0.5)
    odd = _point("odd", haiku=0.9, llama=0.1)
    worse = _point("worse", haiku=0.4, llama=0.5)
    assert _names(front([main, odd, worse])) == {"main", "odd"}
    found = best_on([main, odd, worse], "haiku")
    assert found is not None
    assert found.content == "odd"
    assert best_on([main], "gpt") is None


def test_shorter_and_cheaper_count_too() -> None:
    long = _point("long", length=900, haiku=0.5)
    assert beats(_point("short", length=100, haiku=0.5), long)
    dear = _point("dear", haiku=0.5).model_copy(update={"cost": {"haiku": dict.fromkeys(PLANS, 2)}})
    assert beats(_point("cheap", haiku=0.5), dear)
    assert not beats(dear, long.model_copy(update={"length": 50}))


def test_only_the_plans_that_both_were_measured_on_are_compared() -> None:
    easy = _point("easy").model_copy(update={"quality": {"haiku": {"p1": 1.0, "p9": 1.0}}})
    both = _point("both", haiku=0.5)
    both = both.model_copy(update={"quality": {"haiku": {**both.quality["haiku"], "p1": 1.0}}})
    assert not beats(easy, both)  # equal on p1, the one plan that they share
    assert qualities([easy, both]) == [{"haiku": 1.0}, {"haiku": 1.0}]
    other = _point("other").model_copy(update={"quality": {"haiku": {"p7": 0.0}}})
    assert not beats(both, other)
    assert not beats(_point("no model"), other)


def test_what_is_measured_again_keeps_both_times_and_its_verdict() -> None:
    first = _point("same", haiku=0.5)
    again = Point(
        **{**first.model_dump(), "iteration": 2, "outcome": None, "branch": "main"}
        | {"quality": {"haiku": {"p1": 1.0, "p5": 0.0}}}
    )
    [joined] = with_points([first], [again])
    assert joined.quality["haiku"] == {"p1": 1.0, "p2": 0.5, "p3": 0.5, "p4": 0.5, "p5": 0.0}
    assert (joined.iteration, joined.branch, joined.outcome) == (1, "same", Outcome.NO)


_SCORES = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.dictionaries(st.sampled_from(PLANS), st.sampled_from([0.0, 0.5, 1.0]), min_size=1),
)


@st.composite
def _points(draw: Any) -> list[Point]:
    cells = draw(st.lists(_SCORES, min_size=1, max_size=6))
    return [
        _point(str(n), length=draw(st.sampled_from([10, 20])), iteration=n).model_copy(
            update={"quality": quality}
        )
        for n, quality in enumerate(cells)
    ]


@given(_points())
def test_the_front_is_never_empty_and_nobody_on_it_beats_another(points: list[Point]) -> None:
    standing = front(points)
    assert standing
    assert not [(one, other) for one in standing for other in standing if beats(one, other)]
    assert with_points(with_points([], points), points) == with_points([], points)
    for model in ("a", "b"):
        best = best_on(points, model)
        assert (best is None) == (not any(p.quality.get(model) for p in standing))
