"""Wear, leak and rotation of challenge sets."""

from pathlib import Path

import pytest

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import StoreError
from prompt_lab.names import Split
from prompt_lab.promptops.challenge import grow_challenge_set
from prompt_lab.promptops.wear import (
    MOST_CONFIRMATIONS,
    compare_rounds,
    list_active,
    measure_overlap,
    measure_wear,
    note_confirmation,
    rotate_set,
)
from tests.prompt_lab.promptops.labs import WHEN, make_call, make_context

PROMPT = "Answer questions about stoppages with machine, period and measure."


def grow(root: Path, first: int, last: int) -> None:
    calls = [make_call(number) for number in range(first, last)]
    grow_challenge_set(make_context(root), "query", calls, (), PromptOpsConfig(), WHEN)


def test_an_unused_set_is_fresh_and_an_absent_one_is_empty(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    assert measure_wear(context.lab, "query", PROMPT).reasons == ("empty",)
    grow(tmp_path, 0, 60)
    wear = measure_wear(context.lab, "query", PROMPT)
    assert wear.reasons == ()
    assert (wear.plans, wear.confirmations, wear.overlap) == (60, 0, 0.0)
    assert wear.fresh == wear.sealed == len(list_active(context.lab, "query", Split.VERIFY))


def test_confirmations_wear_a_set_and_a_rotation_keeps_linking_plans(tmp_path: Path) -> None:
    lab = make_context(tmp_path).lab
    grow(tmp_path, 0, 60)
    used = list_active(lab, "query", Split.VERIFY)
    for trial in range(MOST_CONFIRMATIONS):
        note_confirmation(lab, "query", str(trial), used, when=WHEN)
        note_confirmation(lab, "query", str(trial), used, when=WHEN)
    wear = measure_wear(lab, "query", PROMPT)
    assert (wear.confirmations, wear.reasons, wear.fresh) == (MOST_CONFIRMATIONS, ("worn",), 0)
    with pytest.raises(StoreError, match="0 sealed plans were never used"):
        rotate_set(lab, "query", when=WHEN)
    grow(tmp_path, 60, 120)
    rotation = rotate_set(lab, "query", when=WHEN)
    active = set(list_active(lab, "query", Split.VERIFY))
    assert set(rotation.linking) == active & set(used)
    assert len(rotation.linking) == round(0.2 * len(used))
    assert set(rotation.retired) | set(rotation.linking) == set(used)
    assert len(active) > len(rotation.linking) + 20
    here = {path.name for path in lab.plans(Split.VERIFY).iterdir()}
    assert here == active
    assert {path.name for path in lab.plans(Split.TRAIN).iterdir()} >= set(rotation.retired)
    grow(tmp_path, 0, 120)
    assert {path.name for path in lab.plans(Split.VERIFY).iterdir()} == active


def test_a_prompt_that_quotes_a_question_leaks(tmp_path: Path) -> None:
    lab = make_context(tmp_path).lab
    grow(tmp_path, 0, 20)
    wear = measure_wear(lab, "query", f"{PROMPT} Example: {make_call(3).question}")
    assert wear.reasons == ("leak",)
    assert (len(wear.leaking), wear.overlap) == (1, 1.0)


@pytest.mark.parametrize(
    ("prompt", "question", "overlap"),
    [
        ("", "", 0.0),
        ("abc", "", 0.0),
        ("昨日の機械七号の停止時間を答える", "昨日の機械七号の停止時間は?", 5 / 6),
        ("Кто владеет участком семь в Лионе", "кто владеет участком семь", 1.0),
    ],
)
def test_overlap_is_measured_in_any_language(prompt: str, question: str, overlap: float) -> None:
    assert measure_overlap(prompt, question) == pytest.approx(overlap, abs=0.2)


def test_linking_plans_tell_a_harder_round_from_a_changed_model() -> None:
    before = {"link": 0.5, "a": 0.8, "b": 0.6}
    assert compare_rounds(before, {"link": 0.5, "c": 0.5}) == pytest.approx(-0.2)
    assert compare_rounds(before, {"link": 0.3, "c": 0.5}) == pytest.approx(0.0)
    assert compare_rounds(before, {"c": 0.5}) is None
