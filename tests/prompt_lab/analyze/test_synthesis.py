"""Directions follow from the numbers, analysts are reconciled, and what was tried is remembered."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.findings import UNPARSED, AnalystFinding
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.synthesis import (
    SynthesisRecord,
    Tried,
    first_directions,
    parse_synthesis,
    render_synthesis,
    synthesise,
)
from prompt_lab.errors import StoreError
from prompt_lab.names import Outcome, Side
from prompt_lab.records import Direction, PromptVersion
from tests.prompt_lab.analyze.making import by_name, plan_text, prompt, row

EVERY = (
    "align_with_schema",
    "state_contract",
    "examples_by_contrast",
    "examples_compact",
    "compress",
)
PLANS = by_name(
    [plan_text(f"p{n}", f"Order 77{n}, net 1{n}, total 2{n}", {"total": f"2{n}"}) for n in range(6)]
)


def _baseline(answers: Sequence[Any], prompts: dict[Side, PromptVersion] | None = None) -> Metrics:
    rows = [
        row(Side.BASELINE, f"p{n}", answer, score=float(answer == {"total": f"2{n}"}))
        if answer is not None
        else row(Side.BASELINE, f"p{n}", None, error=("invalid_json", "Expecting value"))
        for n, answer in enumerate(answers)
    ]
    return measure(rows, PLANS, "total", prompts)


WRONG = _baseline([{"total": f"77{n}"} for n in range(5)] + [{"total": "25"}])
BROKEN = _baseline([None] * 5 + [{"total": "25"}])
PERFECT = _baseline([{"total": f"2{n}"} for n in range(6)])


def _first(metrics: Metrics, tried: Sequence[Tried] = ()) -> str | None:
    ranked = first_directions(metrics, tried, EVERY).directions
    return next((one.strategy for one in ranked if one.strategy), None)


def _tried(iteration: int, strategy: str, outcome: Outcome | None, **rest: Any) -> Tried:
    return Tried(iteration=iteration, strategy=strategy, title="x", outcome=outcome, **rest)


def test_wrong_values_in_the_right_form_ask_for_the_schemas_words() -> None:
    top = first_directions(WRONG, [], EVERY).directions[0]
    assert top.strategy == "align_with_schema"
    assert "83 %" in top.why
    assert "history/0/00_extract/outputs/p0" in top.evidence[0]


def test_broken_answers_ask_for_the_contract() -> None:
    top = first_directions(BROKEN, [], EVERY).directions[0]
    assert top.strategy == "state_contract"
    assert "invalid_json" in top.evidence[0]


def test_nothing_wrong_asks_for_fewer_words() -> None:
    assert _first(PERFECT) == "compress"


def test_a_long_prompt_weighs_more() -> None:
    def weight(words: int) -> float:
        metrics = _baseline([{"total": "25"}], {Side.BASELINE: prompt("word " * words)})
        ranked = first_directions(metrics, [], ["compress"]).directions
        return next(one.rank_score for one in ranked if one.strategy == "compress")

    assert weight(1000) > weight(10)


def test_examples_come_once_the_words_were_tried() -> None:
    assert _first(WRONG, [_tried(1, "align_with_schema", Outcome.NO)]) == "examples_by_contrast"
    assert _first(WRONG, [_tried(1, "align_with_schema", Outcome.YES, merged=True)]) == (
        "examples_by_contrast"
    )


def test_what_is_on_trial_is_not_proposed_again() -> None:
    assert _first(WRONG, [_tried(1, "align_with_schema", None)]) == "examples_by_contrast"


def test_invalid_shows_nothing() -> None:
    found = first_directions(WRONG, [_tried(1, "align_with_schema", Outcome.INVALID)], EVERY)
    assert found.directions[0].strategy == "align_with_schema"
    assert "may be tried again" in found.directions[0].why


def test_a_rejected_direction_comes_back_with_new_evidence_alone() -> None:
    rejected = _tried(1, "align_with_schema", Outcome.NO, effect=-0.1)
    found = first_directions(WRONG, [rejected], EVERY)
    assert "no new evidence" in found.set_aside[0]
    assert "effect -0.100" in found.set_aside[0]
    merged = _tried(2, "compress", Outcome.YES, merged=True)
    back = first_directions(WRONG, [rejected, merged], EVERY).directions[0]
    assert back.strategy == "align_with_schema"
    assert "changed since, by iteration 2" in back.why
    grown = rejected.model_copy(update={"rank_score": 0.1})
    assert "the need is" in first_directions(WRONG, [grown], EVERY).directions[0].why


def test_there_are_always_five_directions_with_evidence() -> None:
    everything = [_tried(n, name, Outcome.NO) for n, name in enumerate(EVERY)]
    for metrics in (WRONG, BROKEN, PERFECT, _baseline([])):
        for tried in ([], everything):
            found = first_directions(metrics, tried, EVERY).directions
            assert len({one.title for one in found}) == 5
            assert [one.rank_score for one in found] == sorted(
                (one.rank_score for one in found), reverse=True
            )
    assert all(one.evidence for one in first_directions(WRONG, everything, []).directions)


def test_failures_of_the_better_side_count() -> None:
    rows = [
        *(row(Side.BASELINE, f"p{n}", {"total": f"77{n}"}, score=0.0) for n in range(4)),
        *(row(Side.CANDIDATE, f"p{n}", {"total": f"2{n}"}) for n in range(3)),
        row(Side.CANDIDATE, "p3", None, error=("truncated", "cut off at 256 tokens")),
    ]
    found = first_directions(measure(rows, PLANS, "total"), [], EVERY)
    assert found.side is Side.CANDIDATE
    assert found.directions[0].strategy == "state_contract"


def _finding(says: Any, model: str = "small", weight: float = 0.5) -> AnalystFinding:
    return AnalystFinding(
        kind="score", text=f"It is {says}.", evidence=("3 of 4 (run)",), model=model, says=says,
        weight=weight,
    )  # fmt: skip


def test_analysts_are_reconciled() -> None:
    views = {
        "metrics": (_finding("better"), _finding("same", "large")),
        "claude": (_finding("worse"), _finding("same", "large"), _finding("worse", "tiny", 0.9)),
        "codex": None,
        "third": (AnalystFinding(kind=UNPARSED, text="prose"),),
    }
    found = synthesise(views, {"metrics": ()}, WRONG, [], EVERY)
    assert {(one.analyst, one.insight, one.review) for one in found.took_part} == {
        ("metrics", "read", "read"),
        ("claude", "read", "-"),
        ("codex", "failed", "-"),
        ("third", "unparsed", "-"),
    }
    assert found.agree == ("metrics, claude: It is same.",)
    assert found.disagree == ("metrics says: It is better. But claude says: It is worse.",)
    assert found.alone == ("claude: It is worse.",)
    assert any(one.title.startswith("Follow claude") for one in found.directions)


def test_what_is_said_without_evidence_does_not_agree() -> None:
    bare = _finding("better").model_copy(update={"evidence": ()})
    for others, agree in (
        ({"claude": (bare,)}, ()),
        ({"claude": (bare,), "codex": (_finding("better"),)}, ("metrics, codex: It is better.",)),
    ):
        views = {"metrics": (_finding("better"),), **others}
        assert synthesise({}, views, WRONG, [], EVERY).agree == agree


def test_a_contradiction_raises_what_removes_it() -> None:
    def weight(reviews: dict[str, tuple[AnalystFinding, ...]]) -> float:
        found = synthesise({}, reviews, WRONG, [], EVERY).directions
        return next(one.rank_score for one in found if one.strategy == "align_with_schema")

    objection = AnalystFinding(kind="contradiction", text="no such key", weight=0.8)
    assert weight({"metrics": (objection,)}) > weight({})


_DIRECTIONS = st.builds(
    Direction,
    title=st.text(),
    strategy=st.none() | st.text(),
    why=st.text(),
    evidence=st.lists(st.text(), max_size=3).map(tuple),
    expected=st.text(),
    rank_score=st.floats(0, 1),
)
_LINES = st.lists(st.text(), max_size=3).map(tuple)


@given(
    st.builds(
        SynthesisRecord,
        side=st.sampled_from(Side),
        score=st.floats(0, 1),
        agree=_LINES,
        set_aside=_LINES,
        directions=st.lists(_DIRECTIONS, min_size=5, max_size=5).map(tuple),
    )
)
def test_the_page_is_read_back_as_it_was(synthesis: SynthesisRecord) -> None:
    assert parse_synthesis(render_synthesis(synthesis)) == synthesis


@given(st.text())
def test_what_is_no_synthesis_is_refused_by_name(text: str) -> None:
    with pytest.raises(StoreError, match="7_extract"):
        parse_synthesis(text, where="7_extract/synthesis.md")


def test_a_fault_in_the_block_is_named() -> None:
    page = render_synthesis(first_directions(WRONG, [], EVERY))
    with pytest.raises(StoreError, match=r"'directions\.0\.why'"):
        parse_synthesis(page.replace('"why"', '"because"', 1))
