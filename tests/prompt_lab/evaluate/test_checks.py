"""Checks of an answer: the rows of docs/scoring.md, and what holds for every text."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prompt_lab.config.checks import CheckConfig
from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import StoreError
from prompt_lab.evaluate.checks import add_measured, score_checks
from prompt_lab.evaluate.text_overlap import rouge_l

PAGE = (Path(__file__).parents[3] / "docs/scoring.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\{.*\})` \| `(.*)` \| `(.*)` \| ([\d.]+) \|$", re.MULTILINE)
GOLDEN = ("exact", "normalized", "contains", "set_f1", "rouge_l", "chrf")


def credit(check: dict[str, Any], gold: Any, answer: Any) -> float:
    return score_checks([CheckConfig(**check, name="part")], gold, answer)["part"]


@pytest.mark.parametrize(("check", "gold", "answer", "wanted"), ROW.findall(PAGE))
def test_the_examples_of_the_page(check: str, gold: str, answer: str, wanted: str) -> None:
    found = credit(yaml.safe_load(check), gold, answer)
    assert found == pytest.approx(float(wanted), abs=0.001)


def test_the_page_has_an_example_of_every_kind_that_scores_an_answer() -> None:
    shown = {yaml.safe_load(check)["kind"] for check, *_ in ROW.findall(PAGE)}
    known = set(CheckConfig.model_fields["kind"].annotation.__args__)  # type: ignore[union-attr]
    assert shown == known - {"latency", "cost"}
    assert all(f"| `{kind}` |" in PAGE for kind in known)


@pytest.mark.parametrize("kind", GOLDEN)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_credit_is_between_0_and_1_and_a_missing_answer_has_none(kind: str, text: str) -> None:
    assert credit({"kind": kind}, "a b, c", "") == 0
    assert 0 <= credit({"kind": kind}, "a b, c", text) <= 1


@pytest.mark.parametrize("kind", GOLDEN)
@given(words=st.lists(st.text("abcxyz09", min_size=1, max_size=6), min_size=1, max_size=6))
def test_the_gold_itself_has_full_credit(kind: str, words: list[str]) -> None:
    text = " ".join(words)
    assert credit({"kind": kind}, text, text) == pytest.approx(1.0)


@given(
    gold=st.floats(-1e6, 1e6, allow_nan=False),
    off=st.floats(-10, 10, allow_nan=False),
    limit=st.floats(0, 10, allow_nan=False),
)
def test_numbers_are_equal_within_the_tolerance(gold: float, off: float, limit: float) -> None:
    wanted, given_ = round(gold, 3), round(gold + off, 3)
    distance = abs(float(f"{wanted:f}") - float(f"{given_:f}"))
    if abs(distance - limit) < 1e-9:
        return
    check = {"kind": "number", "absolute": limit, "relative": 0.0}
    assert credit(check, f"{wanted:f}", f"It is {given_:f} EUR") == float(distance < limit)


@given(
    gold=st.lists(st.sampled_from("abcde"), min_size=1, max_size=9),
    answer=st.lists(st.sampled_from("abcde"), min_size=1, max_size=9),
)
def test_rouge_l_is_the_longest_common_subsequence(gold: list[str], answer: list[str]) -> None:
    rows = [0] * (len(answer) + 1)
    for one in gold:
        before = rows
        rows = [0]
        for at, other in enumerate(answer):
            rows.append(before[at] + 1 if one == other else max(before[at + 1], rows[at]))
    wanted = 2 * rows[-1] / (len(gold) + len(answer))
    assert rouge_l(" ".join(gold), " ".join(answer)) == pytest.approx(wanted)


def test_the_score_is_the_weighted_mean_and_fields_of_json_are_compared() -> None:
    checks = [
        CheckConfig(kind="normalized", field="label", weight=3),
        CheckConfig(kind="number", field="amount"),
    ]
    gold = {"label": "Billing", "amount": 12}
    parts = score_checks(checks, gold, {"label": "billing", "amount": 13})
    assert parts == {"normalized": 1.0, "number": 0.0, "score": 0.75}
    assert score_checks(checks, gold, {"label": "billing"})["number"] == 0
    assert score_checks(checks, gold, {})["score"] == 0


def test_latency_and_cost_are_weighted_with_the_answer() -> None:
    checks = [
        CheckConfig(kind="exact", weight=2),
        CheckConfig(kind="latency", seconds=2),
        CheckConfig(kind="cost", usd=0.01),
    ]
    parts = add_measured(checks, score_checks(checks, "a", "a"), seconds=4, usd=0.005)
    assert parts == {"exact": 1.0, "latency": 0.5, "cost": 1.0, "score": 0.875}
    assert add_measured(checks, {}, seconds=4, usd=0) == {}


@pytest.mark.parametrize(
    ("check", "gold", "says"),
    [
        ({"kind": "exact"}, None, "the plan has none"),
        ({"kind": "exact"}, " ", "the plan has none"),
        ({"kind": "number"}, "many", "'many' holds none"),
        ({"kind": "exact", "field": "label"}, {"other": "x"}, "has no field 'label'"),
    ],
)
def test_a_gold_that_cannot_be_compared_is_an_error(
    check: dict[str, Any], gold: Any, says: str
) -> None:
    with pytest.raises(StoreError, match=says):
        credit(check, gold, "")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"checks": [{"kind": "regex"}]}, "needs 'pattern'"),
        ({"checks": [{"kind": "regex", "pattern": "("}]}, "is no regular expression"),
        ({"checks": [{"kind": "exact", "absolute": 1}]}, "does not read 'absolute'"),
        ({"checks": [{"kind": "exact"}, {"kind": "exact"}]}, "two parts are called 'exact'"),
        ({"checks": [{"kind": "cost", "usd": 1}]}, "score no answer"),
        ({"checks": [{"kind": "exact"}], "primary": "fields"}, "is no check of the answer"),
        ({"checks": [{"kind": "exact"}], "score": "a:b"}, "remove one of them"),
        ({"checks": [{"kind": "exact", "weight": 0}]}, "all weights are 0"),
    ],
)
def test_checks_that_cannot_score_are_refused_when_they_are_read(
    more: dict[str, Any], says: str
) -> None:
    base = {"name": "s", "adapter": "prompt_file", "target": "t", "prompt": "p.txt"}
    with pytest.raises(ValidationError, match=says):
        StepConfig.model_validate({**base, "primary": "score", **more})
