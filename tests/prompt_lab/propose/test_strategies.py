"""Each strategy on prompts that it was made for."""

import json
from dataclasses import replace

import pytest

from prompt_lab.propose.align import AlignWithSchema
from prompt_lab.propose.compress import Compress, compressed
from prompt_lab.propose.contract import StateContract
from prompt_lab.propose.examples import ExamplesByContrast, ExamplesCompact
from prompt_lab.propose.model import Material
from prompt_lab.records import PlanText

PROMPT = "Extract the amount.\n[user]\nInvoice:\n{invoice}\n"
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "description": "The price.\n  Not the number."},
        "status": {"enum": ["paid", "due"], "description": "Whether it was paid."},
        "note": {"type": ["string", "null"]},
    },
    "required": ["amount", "status"],
}


def plan(name: str, text: str, **gold: object) -> PlanText:
    return PlanText(
        name=name, inputs={"invoice.txt": text}, gold={"invoice.json": json.dumps(gold)}
    )


PLANS = (
    plan("long", "A letter of thanks.\n" + "It was good. " * 200 + "Pay 9 EUR.", amount=9.0),
    plan("b", "Invoice 4711\nTotal 84,50 EUR\nThank you", amount=84.5),
    plan("c", "Invoice 4712\nTotal 12,00 EUR", amount=12.0),
    plan("d", "Dear Ann,\nthe price is 1.310 euros.", amount=1310.0),
    plan("e", "Quittung\nBetrag: 7,20 €", amount=7.2),
    plan("f", "Faktura 9\nSumma 99,00", amount=99.0),
    PlanText(name="no gold", inputs={"invoice.txt": "Bill\n1 EUR"}),
)
MATERIAL = Material("extract_invoice", PROMPT, SCHEMA, PLANS, failing=("long", "d", "b", "c"))


def test_align_adds_exactly_the_block() -> None:
    draft = AlignWithSchema().propose(MATERIAL)
    assert draft.text == (
        "Extract the amount.\n"
        "\n"
        "The fields of the answer:\n"
        "- amount: The price. Not the number.\n"
        "- status: Whether it was paid.\n"
        "[user]\nInvoice:\n{invoice}\n"
    )
    assert draft.strategy == "align_with_schema"
    assert "amount" in draft.title


def test_align_skips_what_the_prompt_holds_and_mends_its_own_block() -> None:
    held = replace(MATERIAL, prompt=PROMPT.replace(".", ". whether IT was  paid.", 1))
    assert "- status" not in AlignWithSchema().propose(held).text
    stale = replace(
        MATERIAL, prompt="Go.\n\nThe fields of the answer:\n- amount: Old.\n- more: Ours.\n\nEnd.\n"
    )
    assert AlignWithSchema().propose(stale).text == (
        "Go.\n\nThe fields of the answer:\n- amount: The price. Not the number.\n- more: Ours.\n"
        "- status: Whether it was paid.\n\nEnd.\n"
    )


@pytest.mark.parametrize("schema", [None, {}, {"properties": {"a": {"type": "string"}}}])
def test_align_needs_descriptions(schema: dict[str, object] | None) -> None:
    assert AlignWithSchema().applies(replace(MATERIAL, schema=schema)) is not None


def test_align_leaves_out_a_description_that_would_be_filled_in() -> None:
    schema = {"properties": {"a": {"description": "As in {invoice}."}, "b": {"description": "B."}}}
    text = AlignWithSchema().propose(replace(MATERIAL, schema=schema)).text
    assert "- b: B." in text
    assert text.count("{invoice}") == 1


def test_the_contract_names_keys_types_and_values() -> None:
    text = StateContract().propose(MATERIAL).text
    assert text == (
        "Extract the amount.\n"
        "\n"
        "Answer with one JSON object and no other text. Its keys are exactly these:\n"
        '- "amount": number\n'
        '- "status": one of "paid", "due"\n'
        '- "note": string or null, may be left out\n'
        "[user]\nInvoice:\n{invoice}\n"
    )


def test_an_earlier_contract_is_replaced() -> None:
    first = StateContract().propose(MATERIAL).text
    schema = {"properties": {"label": {"type": "array", "items": {"type": "boolean"}}}}
    second = StateContract().propose(replace(MATERIAL, prompt=first, schema=schema)).text
    assert second.count("Its keys are exactly these") == 1
    assert '- "label": list, each item true or false, may be left out\n[user]' in second
    assert '"amount"' not in second


def test_contrast_shows_two_short_failing_plans_that_begin_differently() -> None:
    draft = ExamplesByContrast().propose(MATERIAL)
    assert draft.plans == ("c", "d")
    assert draft.text == (
        "Extract the amount.\n"
        "\n"
        "Examples:\n"
        "\n"
        'Input:\nInvoice 4712\nTotal 12,00 EUR\nAnswer:\n{"amount": 12.0}\n'
        "\n"
        'Input:\nDear Ann,\nthe price is 1.310 euros.\nAnswer:\n{"amount": 1310.0}\n'
        "[user]\nInvoice:\n{invoice}\n"
    )


def test_contrast_needs_failing_plans() -> None:
    reason = ExamplesByContrast().applies(replace(MATERIAL, failing=("e",)))
    assert reason == "only 1 failing train plans short enough to show; 2 are needed"


def test_compact_shows_four_telling_lines_failing_plans_first() -> None:
    draft = ExamplesCompact().propose(MATERIAL)
    assert draft.text.split("[user]")[0] == (
        "Extract the amount.\n"
        "\n"
        "Examples:\n"
        '- Total 84,50 EUR -> {"amount": 84.5}\n'
        '- the price is 1.310 euros. -> {"amount": 1310.0}\n'
        + draft.text.split("\n")[5]
        + "\n"
        + '- Summa 99,00 -> {"amount": 99.0}\n'
    )
    assert draft.text.split("\n")[5].endswith('Pay 9 EUR. -> {"amount": 9.0}')
    assert len(draft.text.split("\n")[5]) < 160
    assert draft.plans == ("b", "d", "long", "f")


def test_examples_are_not_added_twice_whatever_their_form() -> None:
    for first in (ExamplesByContrast(), ExamplesCompact()):
        shown = replace(MATERIAL, prompt=first.propose(MATERIAL).text)
        for second in (ExamplesByContrast(), ExamplesCompact()):
            assert second.applies(shown) == "the prompt already shows worked examples"


def test_examples_of_labels_show_different_labels() -> None:
    labels = ("billing", "account", "billing", "shipping", "other")
    plans = tuple(
        PlanText(
            name=f"t{i}",
            inputs={"ticket.txt": f"Ticket {'abcde'[i]}: help me please"},
            gold={"ticket.json": json.dumps({"label": label})},
        )
        for i, label in enumerate(labels)
    )
    text = ExamplesCompact().propose(Material("classify_ticket", "Go.\n", None, plans)).text
    assert text.count('"label"') == 4
    assert all(f'{{"label": "{label}"}}' in text for label in set(labels))


def test_a_plan_that_would_be_filled_in_or_end_the_half_is_not_shown() -> None:
    plans = (
        plan("x", "Pay {invoice} 5 EUR", amount=5.0),
        plan("y", "A\n[user]\n5 EUR", amount=5.0),
        plan("z", "Good: 5 EUR", amount=5.0),
    )
    material = replace(MATERIAL, plans=plans, failing=("x", "y", "z"))
    assert "only 1 " in str(ExamplesByContrast().applies(material))


def test_compress_takes_out_repetitions_only() -> None:
    prompt = (
        "You read invoices with care.   Answer in JSON only.\n\n\n----------\n"
        "Answer in JSON only.\nYou read   invoices with care. Be quick.\n"
        "Copy {invoice} as it stands here.\nCopy {invoice} as it stands here.\n"
        "The price in euros.\n\n"
        "The fields of the answer:\n- amount: The price in euros. Not a date.\n"
        "- tax: The price in euros. Not a date.\n"
        "[user]\nAnswer in JSON only.\nAnswer in JSON only.\n\n\n{invoice}"
    )
    draft = Compress().propose(replace(MATERIAL, prompt=prompt))
    assert draft.text == (
        "You read invoices with care. Answer in JSON only.\n\n"
        "Be quick.\n"
        "Copy {invoice} as it stands here.\nCopy {invoice} as it stands here.\n\n"
        "The fields of the answer:\n- amount: The price in euros. Not a date.\n"
        "- tax: The price in euros. Not a date.\n"
        "[user]\nAnswer in JSON only.\nAnswer in JSON only.\n\n\n{invoice}"
    )
    assert str(len(draft.text)) in draft.title


def test_compress_knows_sentences_that_have_no_spaces() -> None:
    sentence = "請求書から支払うべき合計金額を読み取ってください。"
    assert compressed(sentence + "短く。" + sentence) == sentence + "短く。"


def test_compress_keeps_two_examples_of_each_form() -> None:
    compact = ExamplesCompact().propose(MATERIAL).text
    shorter = Compress().propose(replace(MATERIAL, prompt=compact)).text
    assert shorter.count(" -> ") == 2
    by_hand = "\n\n".join(f'Beispiel {i}:\nZahlen Sie {i}\n{{"amount": {i}}}' for i in range(4))
    text = compressed("Lies die Rechnung.\n\n" + by_hand)
    assert text.count("Beispiel") == 2
    assert text.endswith('Zahlen Sie 1\n{"amount": 1}')


def test_compress_leaves_json_and_whole_examples_alone() -> None:
    form = '{\n  "currency": "EUR, or USD"\n}\n{\n  "currency": "EUR, or USD"\n}'
    assert compressed(form) == form
    whole = replace(MATERIAL, prompt=ExamplesByContrast().propose(MATERIAL).text)
    assert Compress().applies(whole) == "the prompt says nothing twice"
    assert Compress().applies(MATERIAL) == "the prompt says nothing twice"
