"""Fields against gold, and the sides against each other."""

from typing import Any

import pytest

from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import FieldAccuracy
from prompt_lab.analyze.statements import statements
from prompt_lab.names import Side
from prompt_lab.records import PlanText
from tests.prompt_lab.analyze.making import both, by_name, plan_text, row

INVOICE = plan_text("p1", "Order 4711. Net 100.00, total 119.00 EUR", {"total": "119.00"})


def _fields(answer: Any, plan: PlanText = INVOICE) -> dict[str, FieldAccuracy]:
    metrics = measure([row(Side.BASELINE, "p1", answer)], by_name([plan]), "total")
    return {one.field: one for one in metrics.accuracy if not one.model}


def test_right_is_right_however_a_number_is_written() -> None:
    assert _fields({"total": 119})["total"].right == 1
    assert _fields({"total": "119.0"})["total"].right == 1


@pytest.mark.parametrize(("score", "told"), [(0.0, 1), (1.0, 0)])
def test_values_that_read_like_gold_but_get_no_credit_are_a_finding(
    score: float, told: int
) -> None:
    """Gold of another type than the answer scores 0 everywhere, which looks like a bad prompt."""
    rows = [row(side, "p1", {"total": 119}, score=score) for side in Side]
    said = statements(measure(rows, by_name([INVOICE]), "total"))
    found = [one for one in said if one.kind == "scorer_disagrees"]
    assert len(found) == told * len(Side)
    for one in found:
        assert "credits 'total' in 0 %" in one.text
        assert "100 % of its values read like gold" in one.text


def test_leading_zeros_are_no_number() -> None:
    plan = plan_text("p1", "No. 0042", {"number": "0042"})
    assert _fields({"number": "42"}, plan)["number"].right == 0


def test_a_wrong_value_says_where_it_is_from() -> None:
    from_input = _fields({"total": "4711"})["total"]
    made_up = _fields({"total": "9.99"})["total"]
    missing = _fields({"sum": "119.00"})["total"]
    assert (from_input.from_input, made_up.made_up, missing.missing) == (1, 1, 1)
    assert (from_input.wrong[0].got, from_input.wrong[0].gold) == ("4711", "119.00")
    assert missing.wrong[0].got == ""


def test_an_error_misses_everything() -> None:
    rows = [row(Side.BASELINE, "p1", None, error=("truncated", "cut off"))]
    accuracy = measure(rows, by_name([INVOICE]), "total").accuracy
    assert [(one.model, one.missing) for one in accuracy] == [("", 1), ("small", 1)]


def test_lists_are_compared_in_any_order() -> None:
    plan = plan_text("p1", "in", {"items": [{"w": "ant"}, {"w": "bee"}]})
    field = _fields({"items": [{"w": "bee"}, {"w": "ant"}]}, plan)["items[].w"]
    assert (field.n, field.right) == (2, 1)


def test_free_text_is_not_right_or_wrong() -> None:
    long = " ".join(["word"] * 30)
    assert not _fields({"review": "other"}, plan_text("p1", "in", {"review": long}))


def test_names_made_up_anew_are_not_right_or_wrong() -> None:
    gold = [{"name": f"Strategy {n}"} for n in range(10)]
    assert not _fields([{"name": f"Idea {n}"} for n in range(10)], plan_text("p1", "in", gold))


def test_labels_that_are_all_wrong_stay() -> None:
    gold = [{"keep": "yes"}] * 10
    assert _fields([{"keep": "no"}] * 10, plan_text("p1", "in", gold))["[].keep"].right == 0


def test_gold_under_another_name_counts_where_there_is_one() -> None:
    plan = PlanText(name="p1", inputs={}, gold={"answer.json": '{"total": "119.00"}'})
    assert _fields({"total": "119.00"}, plan)["total"].right == 1


def test_agreement_is_the_share_of_equal_values() -> None:
    rows = [
        *both("p1", {"a": "x", "b": ["1", "2"]}, {"a": "X", "b": ["2", "3"]}),
        *both("p2", {"a": "x"}, {"c": "z"}),
    ]
    agreement = {o.field: o.same for o in measure(rows, {}, "total").agreement if not o.model}
    assert agreement == {"a": 0.5, "b[]": 0.5, "c": 0.0}
