import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.pairs import RunCell
from prompt_lab.errors import LabError
from prompt_lab.evaluate.llm_judge import (
    JudgeChoice,
    agreement,
    check_independent,
    judged_pair,
    may_decide,
    orders,
    preference,
)

FIRST, SECOND, TIE = JudgeChoice.FIRST, JudgeChoice.SECOND, JudgeChoice.TIE


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
    old_first: JudgeChoice, new_first: JudgeChoice, score: float
) -> None:
    assert preference(old_first, new_first) == score


def test_both_orders_show_the_same_two_answers() -> None:
    there, back = orders("old", "new")
    assert (there.first, there.second) == (back.second, back.first) == ("old", "new")


def test_an_answer_without_a_choice_is_missing() -> None:
    cell = RunCell("m", "p", 0)
    assert judged_pair(cell, None, FIRST)[3:] == (None, None)
    assert judged_pair(cell, SECOND, FIRST)[3:] == (0.0, 1.0)


def test_a_judge_that_always_says_first_agrees_by_chance_and_may_not_decide() -> None:
    seen = agreement([(FIRST, FIRST)] * 40, [1.0] * 20 + [0.0] * 20)
    assert (seen.agreed, seen.swayed) == (0.0, 1.0)
    assert not may_decide(seen)
    good = agreement([(SECOND, FIRST)] * 20 + [(FIRST, SECOND)] * 20, [1.0] * 20 + [0.0] * 20)
    assert (good.kappa, good.swayed) == (1.0, 0.0)
    assert may_decide(good)


@pytest.mark.parametrize(("said", "kappa"), [((SECOND, FIRST), 1.0), ((FIRST, SECOND), -1.0)])
def test_a_candidate_that_always_wins_makes_no_agreement_lucky(
    said: tuple[JudgeChoice, JudgeChoice], kappa: float
) -> None:
    assert agreement([said] * 30, [1.0] * 30).kappa == kappa


def test_ties_alone_show_nothing() -> None:
    assert agreement([(TIE, TIE)] * 30, [0.5] * 30).kappa == 0.0


CHOICES = st.sampled_from(JudgeChoice)
JUDGED = st.tuples(st.tuples(CHOICES, CHOICES), st.sampled_from([0.0, 0.5, 1.0]))


@given(st.lists(JUDGED, min_size=1))
def test_kappa_does_not_depend_on_which_side_is_called_the_candidate(
    seen: list[tuple[tuple[JudgeChoice, JudgeChoice], float]],
) -> None:
    there = agreement([c for c, _ in seen], [g for _, g in seen])
    back = agreement([(b, a) for (a, b), _ in seen], [1 - g for _, g in seen])
    assert there == back
    assert there.kappa <= 1.0


def test_no_model_judges_itself_unasked() -> None:
    with pytest.raises(LabError, match="'m1'"):
        check_independent(model("m1"), [model("m1"), model("m2")])
    with pytest.raises(LabError, match="as 'm2'"):
        check_independent(model("m1", id="same"), [model("m2", id="same")])
    check_independent(model("j"), [model("m1")])


def model(alias: str, id: str = "") -> ModelConfig:
    return ModelConfig(alias=alias, provider="scripted", id=id or alias, deterministic=True)
