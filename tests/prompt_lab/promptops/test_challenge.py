"""Challenge sets of questions: deterministic, stratified, sealed; no duplicates, no persons."""

import json
from pathlib import Path
from random import Random

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.names import Split
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.challenge import (
    grow_challenge_set,
    read_challenge_set,
    why_chosen,
)
from prompt_lab.promptops.question_plans import GoldenCase, question_file
from tests.prompt_lab.promptops.labs import WHEN, make_call, make_context

CONFIG = PromptOpsConfig()
GOLDEN = (
    GoldenCase(id="g1", query="Which unit has a pressure?", expects_any=("bar", "pascal")),
    GoldenCase(id="g2", query="Other class", task_class="state", expects_any=("x",)),
    GoldenCase(id="g3", query="Another prompt", prompt_id="other", expects_any=("x",)),
)


def test_set_generation_is_deterministic_from_a_log_whatever_its_order(tmp_path: Path) -> None:
    calls = [make_call(number) for number in range(60)]
    shuffled = list(calls)
    Random(4).shuffle(shuffled)
    versions = set()
    for name, rows in (("a", calls), ("b", shuffled)):
        context = make_context(tmp_path / name)
        grown = grow_challenge_set(
            context, "query", rows, GOLDEN, CONFIG, WHEN, task_class="question"
        )
        versions.add(grown.set.version)
        assert grown.added == {"failed": 30, "golden": 1, "healthy": 30}
    assert len(versions) == 1
    again = grow_challenge_set(context, "query", calls, GOLDEN, CONFIG, WHEN, task_class="question")
    assert again.set.version in versions
    assert (again.added, again.known) == ({}, 61)
    changed = [make_call(0, expected={"expects_any": ["7"]}), *calls[1:]]
    other = grow_challenge_set(make_context(tmp_path / "c"), "query", changed, GOLDEN, CONFIG, WHEN)
    assert other.set.version not in versions


def test_a_part_is_sealed_and_every_plan_has_its_files(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    grown = grow_challenge_set(
        context, "query", [make_call(number) for number in range(60)], (), CONFIG, WHEN
    )
    train, sealed = grown.set.names(Split.TRAIN), grown.set.names(Split.VERIFY)
    assert train
    assert len(sealed) > len(train)
    for split, names in ((Split.TRAIN, train), (Split.VERIFY, sealed)):
        for name in names:
            folder = context.lab.plans(split) / name
            assert sorted(path.name for path in folder.iterdir()) == [
                "answer.txt",
                question_file("query"),
            ]
    assert read_challenge_set(context.lab, "query") == grown.set


def test_each_stratum_gives_the_same_number_while_it_lasts(tmp_path: Path) -> None:
    failed = [make_call(number * 2 + 1) for number in range(25)]
    doubtful = [make_call(number, confidence=0.1, success=None) for number in range(50, 53)]
    disputed = [make_call(number, success=True, feedback="down") for number in range(60, 80)]
    config = CONFIG.model_copy(update={"plans_per_round": 15})
    grown = grow_challenge_set(
        make_context(tmp_path), "query", [*failed, *doubtful, *disputed], (), config, WHEN
    )
    assert grown.added == {"disputed": 6, "failed": 6, "low_confidence": 3}
    assert grown.over == 33


def test_duplicates_are_left_out_but_another_number_is_another_question(tmp_path: Path) -> None:
    same = "How long did machine 7 in hall 3 stand still on Monday"
    calls = [
        make_call(1, question=f"{same}?"),
        make_call(3, question=f"  {same.upper()}? "),
        make_call(5, question=f"{same}, please?"),
        make_call(7, question=f"{same.replace('7', '8')}?"),
    ]
    context = make_context(tmp_path)
    grown = grow_challenge_set(context, "query", calls, (), CONFIG, WHEN)
    assert (len(grown.set.plans), grown.known, grown.similar) == (2, 1, 1)
    later = grow_challenge_set(
        context, "query", [make_call(9, question=f"{same} ?")], (), CONFIG, WHEN
    )
    assert (later.set, later.similar) == (grown.set, 1)


def test_personal_data_is_removed_and_what_cannot_be_scored_is_left_out(tmp_path: Path) -> None:
    secret = "sk-0123456789abcdefghij"
    context = make_context(tmp_path)
    calls = [
        make_call(1, question=f"Write to ann@example.org with {secret} why it stopped"),
        make_call(3, expected={}),
        make_call(5, expected={}, sources=["Call Ben at +49 170 1234567: it ran for 5 minutes."]),
        make_call(7, question="  "),
    ]
    grown = grow_challenge_set(context, "query", calls, (), CONFIG, WHEN)
    assert (len(grown.set.plans), grown.unscorable) == (2, 1)
    texts = [path.read_text() for path in (tmp_path / "baseline").rglob("*.txt")]
    assert len(texts) == 4
    assert not any("ann@" in one or secret in one or "1234567" in one for one in texts)
    golds = [json.loads(one) for one in texts if one.startswith("{")]
    assert {bool(one["expects_any"]) for one in golds} == {True, False}


def test_why_a_call_is_chosen() -> None:
    def reason(**facts: object) -> str | None:
        given = {"trace": "t", "when": WHEN} | facts
        return why_chosen(CallOutcome.model_validate(given))

    assert reason() is None
    assert reason(success=True) == "healthy"
    assert reason(success=True, confidence=0.2) == "low_confidence"
    assert reason(success=True, feedback="down") == "disputed"
    assert reason(success=False, feedback="up") == "disputed"
    assert reason(feedback="down") == "failed"
    assert reason(success=True, schema_ok=False) == "failed"
    assert reason(parsed=False) == "failed"
    assert reason(error="timeout") == "failed"


def test_calls_of_other_prompts_are_not_taken(tmp_path: Path) -> None:
    grown = grow_challenge_set(
        make_context(tmp_path), "query", [make_call(1, prompt_id="other")], (), CONFIG, WHEN
    )
    assert grown.set.plans == ()
    assert grown.set.version == ""
