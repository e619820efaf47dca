"""What was tried comes back only with new evidence, and a revert is remembered."""

from typing import Any

import pytest

from prompt_lab.analyze.memory import Tried, remembered, standing
from prompt_lab.names import Outcome
from prompt_lab.records import Direction


def _tried(iteration: int, strategy: str, outcome: Outcome | None, **rest: Any) -> Tried:
    return Tried(iteration=iteration, strategy=strategy, title=strategy, outcome=outcome, **rest)


def _direction(strategy: str | None, title: str = "Do it", weight: float = 0.1) -> Direction:
    return Direction(
        title=title, strategy=strategy, why="", evidence=(), expected="", rank_score=weight
    )


MERGED = _tried(1, "align", Outcome.YES, merged=True)
BACK = MERGED.model_copy(update={"reverted_after": 2})
REJECTED = _tried(2, "compact", Outcome.NO, effect=-0.2)


@pytest.mark.parametrize(
    ("strategy", "tried", "free", "words"),
    [
        ("compact", [MERGED, REJECTED], False, "There is no new evidence"),
        ("compact", [BACK, REJECTED], True, "iteration 1, on which it was based, was reverted"),
        ("align", [BACK, REJECTED], False, "reverted since. There is no new evidence"),
        ("compact", [REJECTED, _tried(3, "x", Outcome.YES, merged=True)], True, "by iteration 3"),
        ("compact", [_tried(3, "x", Outcome.YES, merged=True, reverted_after=3)], True, ""),
        (
            "compact",
            [REJECTED, _tried(3, "x", Outcome.YES, merged=True, reverted_after=3)],
            False,
            "There is no new evidence",
        ),
    ],
)
def test_a_direction_comes_back_with_new_evidence_alone(
    strategy: str, tried: list[Tried], free: bool, words: str
) -> None:
    assert standing(_direction(strategy), tried)[0] is free
    assert words in standing(_direction(strategy), tried)[1]


def test_a_direction_that_an_agent_carried_out_is_known_by_its_title() -> None:
    tried = [_tried(1, "claude", Outcome.NO).model_copy(update={"title": "Break the lock"})]
    assert standing(_direction(None, "break the LOCK"), tried)[0] is False
    assert standing(_direction(None, "Break another"), tried)[0] is True


def test_the_ledger_is_told_newest_first_with_what_was_said_against_it() -> None:
    told = remembered(
        [
            BACK.model_copy(update={"path": "analysis/1_s/verdict.json", "flags": ("Too slow.",)}),
            REJECTED.model_copy(update={"follow_up_of": 1}),
        ]
    )
    assert told == (
        "compact. Tried in iteration 2: NO, effect -0.200. It follows up iteration 1.",
        "align. Tried in iteration 1: YES, reverted since. (analysis/1_s/verdict.json) Too slow.",
    )
