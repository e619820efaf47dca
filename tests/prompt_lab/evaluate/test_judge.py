import pytest

from prompt_lab.decide.pair import Cell
from prompt_lab.errors import LabError
from prompt_lab.evaluate.judge import (
    Choice,
    agreement,
    check_independent,
    judged_pair,
    may_decide,
    orders,
    preference,
)

FIRST, SECOND, TIE = Choice.FIRST, Choice.SECOND, Choice.TIE


@pytest.mark.parametrize(
    ("old_first", "new_first", "score"),
    [
        (SECOND, FIRST, 1.0),
        (FIRST, SECOND, 0.0),
        (FIRST, FIRST, 0.5),
        (SECOND, SECOND, 0.5),
        (TIE, FIRST, 0.5),
        (TIE, TIE, 0.5),
    ],
)
def test_only_a_choice_that_survives_the_swap_counts(
    old_first: Choice, new_first: Choice, score: float
) -> None:
    assert preference(old_first, new_first) == score


def test_both_orders_show_the_same_two_answers() -> None:
    there, back = orders("old", "new")
    assert (there.first, there.second) == (back.second, back.first) == ("old", "new")


def test_an_answer_without_a_choice_is_missing() -> None:
    cell = Cell("m", "p", 0)
    assert judged_pair(cell, None, FIRST)[3:] == (None, None)
    assert judged_pair(cell, SECOND, FIRST)[3:] == (0.0, 1.0)


def test_a_judge_that_always_says_first_agrees_by_chance_and_may_not_decide() -> None:
    seen = agreement([(FIRST, FIRST)] * 40, [1.0] * 20 + [0.0] * 20)
    assert (seen.agreed, seen.swayed) == (0.0, 1.0)
    assert not may_decide(seen)
    good = agreement([(SECOND, FIRST)] * 20 + [(FIRST, SECOND)] * 20, [1.0] * 20 + [0.0] * 20)
    assert (good.kappa, good.swayed) == (1.0, 0.0)
    assert may_decide(good)


def test_no_model_judges_itself_unasked() -> None:
    with pytest.raises(LabError, match="'m1'"):
        check_independent("m1", ["m1", "m2"])
    check_independent("m1", ["m1"], allow_self=True)
    check_independent("j", ["m1"])
