"""choose, failing_plans, and what holds for every strategy on any material."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_lab.names import Side, Split, Status
from prompt_lab.prompts.text import placeholders, split
from prompt_lab.propose.choose import NothingToPropose, choose
from prompt_lab.propose.model import Material, failing_plans, flaw
from prompt_lab.propose.sections import halves
from prompt_lab.records import Direction, PlanText, RunRecord, SentEvidence, Usage
from tests.strategies import strategies

SCHEMA = {"properties": {"amount": {"type": "number", "description": "The price to pay."}}}
MATERIAL = Material("extract_invoice", "Extract.\n[user]\n{invoice}\n", SCHEMA, ())
NAMES = ("align_with_schema", "state_contract", "examples_by_contrast", "examples_compact",
         "compress")  # fmt: skip


def direction(strategy: str | None, title: str = "t") -> Direction:
    return Direction(title=title, strategy=strategy, why="w", evidence=(), expected="e")


def test_the_table_has_every_strategy_under_its_name() -> None:
    assert tuple(strategies()) == NAMES
    assert all(name == strategy.name for name, strategy in strategies().items())


def test_the_top_direction_whose_strategy_applies_is_chosen() -> None:
    ranked = [
        direction(None),
        direction("from_a_newer_version"),
        direction("compress"),
        direction("state_contract", "this"),
        direction("align_with_schema"),
    ]
    choice = choose(ranked, MATERIAL, strategies())
    assert (choice.strategy.name, choice.direction.title) == ("state_contract", "this")
    assert (
        choose(ranked, MATERIAL, strategies(), {"state_contract"}).strategy.name
        == "align_with_schema"
    )


def test_without_a_direction_the_table_stands_in_and_says_so() -> None:
    choice = choose([direction("compress")], MATERIAL, strategies(), ["align_with_schema"])
    assert choice.strategy.name == choice.direction.strategy == "state_contract"
    assert "No direction" in choice.direction.why


def test_nothing_left_says_why_of_each() -> None:
    with pytest.raises(NothingToPropose, match=r"(?s)state_contract: was tried.*--branch") as told:
        choose(
            [direction("compress")], MATERIAL, strategies(), ("align_with_schema", "state_contract")
        )
    assert all(name in str(told.value) for name in NAMES)


def test_propose_without_reason_to_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'compress' does not apply: the prompt says nothing"):
        strategies()["compress"].propose(MATERIAL)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("Read the amount of.\n[user]\n{invoice}", "placeholders"),
        ("Read the amount of {b} and {c}.\n[user]\n{invoice}", "placeholders"),
        ("Read the amount of {b}.\n[user]\n{invoice}!", "user part"),
        ("Read the sum of {b}.\n[user]\n{invoice}", "'amount'"),
        ("Read the amount of {b}.  \n[user]\n{invoice}", "nothing"),
    ],
)
def test_what_no_rewrite_may_break(new: str, why: str) -> None:
    old = "Read the amount of {b}.\n[user]\n{invoice}"
    assert why in str(flaw(old, new, SCHEMA))
    assert flaw(old, "Now: " + old, SCHEMA) is None


def record(plan: str, primary: float, split: Split = Split.TRAIN) -> RunRecord:
    sent = SentEvidence(wanted_commit="", head="", tree_clean=True, files={}, prompt_sha256="")
    return RunRecord(
        iteration=1, step="s", split=split, side=Side.BASELINE, model="m", plan=plan, replicate=0,
        status=Status.OK, scores={}, primary=primary, valid=True, usage=Usage(), sent=sent,
        content_key="", answered_by="", started="", ended="", duration_seconds=0,
    )  # fmt: skip


def test_failing_plans_are_of_train_worst_first() -> None:
    records = [record("a", 1), record("a", 0), record("b", 0), record("c", 1), record("d", 0.5)]
    assert failing_plans([*records, record("v", 0, Split.VERIFY)]) == ("b", "a", "d")


TOKENS = st.sampled_from(
    ["Read it well, all of it.", "Read it well, all of it.", "{invoice}", "{b}", "\n", "\n\n", " ",
     "  ", "[user]", "\n[user]\n", "Examples:", "\nExamples:\n", "\nThe fields of the answer:\n",
     "- amount: old", "- label: {b}", "- a -> {\"n\": 1}", "\r\n", "----", "Input:\n", "\u2028",
     '{"amount": 1}', "\n\nInput:\n12\n{\"amount\": 12}\n\n", "amount", "12,50", "。", "é", "1. ",
     "\nAnswer with one JSON object and no other text. Its keys are exactly these:\n"]
)  # fmt: skip
TEXTS = st.lists(TOKENS, min_size=3, max_size=14).map("".join)
PROMPTS = TEXTS | TEXTS.map(lambda text: text + text) | st.text()
WORDS = st.sampled_from(["", "The price.", "Of {b}", "a\nb", "[user]", "\u2028", "x -> {}", "é"])
FIELD = st.builds(
    lambda kind, description: {**kind, "description": description},
    st.sampled_from([{}, {"type": "number"}, {"enum": ["a", "{b}"]}, {"enum": [1, None]},
                     {"type": "array", "items": {"type": "string"}}]),
    WORDS,
)  # fmt: skip
FIELD_NAMES = st.sampled_from(["amount", "label", "a: b", " x", "{b}", "\u2028", "a\n[user]\n"])
SCHEMAS = st.dictionaries(FIELD_NAMES, FIELD, min_size=1, max_size=3).map(
    lambda fields: {"properties": {"amount": {}, "label": {}} | fields, "required": ["amount"]}
)
GOLD = st.sampled_from(['{"amount": 12.5}', '{"amount": 12}', '{"label": "é"}', '{"label": "{b}"}'])
PLANS = st.lists(st.tuples(TEXTS, GOLD), min_size=2, max_size=6).map(
    lambda pairs: tuple(
        PlanText(name=f"p{i}", inputs={"invoice.txt": text}, gold={"invoice.json": gold})
        for i, (text, gold) in enumerate(pairs)
    )
)


@st.composite
def materials(draw: st.DrawFn) -> Material:
    plans = draw(PLANS)
    return Material(
        "s",
        draw(TEXTS | st.text()),
        draw(st.none() | SCHEMAS),
        plans,
        tuple(p.name for p in plans),
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(materials())
def test_every_strategy_keeps_what_it_must(name: str, material: Material) -> None:
    strategy: Any = strategies()[name]
    if strategy.applies(material) is not None:
        return
    draft = strategy.propose(material)
    assert draft == strategies()[name].propose(material)
    assert placeholders(draft.text) == placeholders(material.prompt)
    assert halves(draft.text).user == halves(material.prompt).user
    assert split(draft.text) != split(material.prompt)
    assert draft.strategy == name
    assert set(draft.plans) <= {plan.name for plan in material.plans}
    assert strategy.applies(replace(material, prompt=draft.text)) is not None
