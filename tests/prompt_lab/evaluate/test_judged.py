from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.config.lab import JudgeConfig
from prompt_lab.decide.verdict import Policy, decide
from prompt_lab.evaluate.judged import (
    PREFERENCE,
    JudgedLook,
    agreement_of,
    as_judged,
    content_of,
    contests,
    judged_pairs,
    judgement,
    judgements_on,
    kind_of,
    known_of,
    shortfall,
    with_agreement,
)
from prompt_lab.evaluate.llm_judge import UNSEEN, Agreement, JudgeChoice, parse
from prompt_lab.names import Outcome, Side
from prompt_lab.records import RunError, RunRow
from tests.prompt_lab.decide.making import pairs_of
from tests.prompt_lab.evaluate.test_evidence import row as run

FIRST, SECOND, TIE = JudgeChoice.FIRST, JudgeChoice.SECOND, JudgeChoice.TIE
BAD = RunError(kind="invalid_json", message="no")
JUDGE = JudgeConfig(model="wise", criteria="true", least_pairs=2)
PRIMARY = "fields"


def sides(
    old: str | None, new: str | None, gold: tuple[float, float] | None = None, plan: str = "p1"
) -> list[RunRow]:
    """Both runs of a pair; None is an answer that cannot be used."""
    rows = []
    for side, text, at in ((Side.BASELINE, old, 0), (Side.CANDIDATE, new, 1)):
        one = run(
            side,
            plan,
            outputs={} if text is None else {"a.json": text},
            error=BAD if text is None else None,
        )
        scores = {} if gold is None else {PRIMARY: gold[at]}
        update = {"scores": scores, "valid": text is not None}
        rows.append(one.model_copy(update={"record": one.record.model_copy(update=update)}))
    return rows


def settled(
    rows: list[RunRow], said: tuple[JudgeChoice | None, JudgeChoice | None] | None
) -> JudgedLook:
    found = contests(rows)
    judgements = tuple(judgement(one, said, PRIMARY) for one in found)
    return JudgedLook(batch="train", look=1, judge="j", content="", judgements=judgements)


def scores(
    rows: list[RunRow], said: tuple[JudgeChoice | None, JudgeChoice | None] | None
) -> list[object]:
    known = known_of([settled(rows, said)])
    return [(p.baseline, p.candidate) for p in judged_pairs(rows, known)]


def test_what_settles_itself_is_never_asked() -> None:
    kinds = [
        kind_of(contests(sides(*texts))[0])
        for texts in (("a", "b"), ("a", "a"), (None, "b"), ("a", None), (None, None))
    ]
    assert kinds == ["asked", "equal", "error", "error", "error"]
    assert scores(sides("a", "a"), None) == [(0.5, 0.5)]
    assert scores(sides(None, "b"), None) == [(0.0, 1.0)]
    assert scores(sides("a", None), None) == [(1.0, 0.0)]
    assert scores(sides(None, None), None) == [(0.5, 0.5)]


def test_the_judge_s_choices_become_a_pair() -> None:
    rows = sides("a", "b")
    assert scores(rows, (SECOND, FIRST)) == [(0.0, 1.0)]
    assert scores(rows, (FIRST, FIRST)) == [(0.5, 0.5)]
    assert scores(rows, (FIRST, None)) == [(None, None)]
    known = known_of([settled(rows, (SECOND, FIRST))])
    shown = as_judged(rows, known)
    assert [r.record.primary for r in shown] == [0.0, 1.0]
    assert [r.record.scores for r in shown] == [{PREFERENCE: 0.0}, {PREFERENCE: 1.0}]


def test_a_judgement_holds_for_the_answers_it_was_made_on_and_no_others() -> None:
    known = known_of([settled(sides("a", "b"), (SECOND, FIRST))])
    assert judgements_on(sides("a", "c"), known) == []
    assert content_of(contests(sides("a", "b"))) != content_of(contests(sides("a", "c")))
    assert contests(sides("a", "b")[:1]) == []


def test_agreement_is_measured_where_the_judge_was_asked_and_gold_is_there() -> None:
    judgements = [
        *settled(sides("a", "b", (0.0, 1.0)), (SECOND, FIRST)).judgements,
        *settled(sides("a", "b", (1.0, 0.5)), (SECOND, SECOND)).judgements,
        *settled(sides("a", "b"), (SECOND, FIRST)).judgements,  # no gold
        *settled(sides("a", "a", (0.0, 0.0)), None).judgements,  # not asked
        *settled(sides("a", "b", (0.0, 1.0)), (None, FIRST)).judgements,  # no choice
    ]
    seen = agreement_of(judgements)
    assert (seen.pairs, seen.agreed, seen.swayed) == (2, 0.5, 0.5)
    assert agreement_of(judgements[2:]) is UNSEEN


def test_a_yes_falls_short_until_the_judge_is_shown_to_agree() -> None:
    assert "no judged pair has gold; it takes 2 such pairs" in shortfall(UNSEEN, JUDGE)[0]
    assert "kappa 0.10 on 9 pairs" in shortfall(Agreement(9, 0.5, 0.1, 0.0), JUDGE)[0]
    assert shortfall(Agreement(2, 1.0, 0.9, 0.0), JUDGE) == []
    trusted = JUDGE.model_copy(update={"least_pairs": 0})
    assert shortfall(UNSEEN, trusted) == []
    assert shortfall(Agreement(9, 0.5, 0.1, 0.0), trusted)


def test_the_agreement_is_the_verdict_s_last_note() -> None:
    verdict = decide(pairs_of([0.5] * 8), Policy(verify="off"))
    noted = with_agreement(verdict, Agreement(9, 0.5, 0.1, 0.25), JUDGE)
    assert noted.outcome is Outcome.YES
    assert noted.reasons[:-1] == verdict.reasons
    assert "50% of 9 pairs (kappa 0.10)" in noted.reasons[-1].text
    assert "no gold" in with_agreement(verdict, UNSEEN, JUDGE).reasons[-1].text


@given(st.sampled_from(JudgeChoice), st.sampled_from(JudgeChoice), st.floats(0, 1), st.floats(0, 1))
def test_swapping_the_sides_swaps_the_pair_and_its_gold(
    old_first: JudgeChoice, new_first: JudgeChoice, old: float, new: float
) -> None:
    there = settled(sides("a", "b", (old, new)), (old_first, new_first)).judgements[0]
    back = settled(sides("b", "a", (new, old)), (new_first, old_first)).judgements[0]
    assert there.pair == back.pair[::-1]
    assert there.gold is not None
    assert back.gold is not None
    assert there.gold + back.gold == 1.0


@given(st.text(), st.sampled_from(JudgeChoice))
def test_a_verdict_line_is_found_after_any_reasons_without_one(
    text: str, choice: JudgeChoice
) -> None:
    if "verdict" not in text.lower():
        assert parse(f"{text}\nverdict: {choice.value.upper()}") is choice
        assert parse(text) is None
