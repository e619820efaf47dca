"""The template library: abstraction, the gate's codes, near-duplicates, lineage, candidates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_lab.names import Outcome, Split
from prompt_lab.promptops.abilities import AbilitySwitches, register_ability_trial
from prompt_lab.promptops.consume import consume
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.library.abstraction import ENTITY, abstract_text
from prompt_lab.promptops.library.insertion import (
    TemplateCode,
    TemplateLimits,
    TemplateMaterial,
    check_template,
)
from prompt_lab.promptops.library.templates import Template, list_templates, template_folder
from prompt_lab.promptops.worker import propose
from prompt_lab.prompts.manifest import PlaceholderRule, PromptConstraints, PromptManifest
from prompt_lab.prompts.snapshots import TrialVerdict, digest_text
from prompt_lab.store.files import write_text
from prompt_lab.store.prompt_guard import PromotionReason
from tests.pipeline.web.labs import write_iteration
from tests.prompt_lab.promptops.worlds import EDITOR, TEXT, ServiceWorld, at

MANIFEST = PromptManifest(id="orders")
PARENT = TEXT.format(topic="orders")
ADDED = "- Name the order that an answer is about.\n- Say what is unknown about it.\n"
WINNER = PARENT + ADDED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Answer as of 2026-03-02 at 14:30.", "Answer as of {{DATE_1}} at {{DATE_2}}."),
        ("Allow 12 or 1,200.5, not 12.", "Allow {{NUMBER_1}} or {{NUMBER_2}}, not {{NUMBER_1}}."),
        ("Say “not in stock” or «vergriffen».", "Say {{QUOTE_1}} or {{QUOTE_2}}."),
        ("Ask Ada Lovelace of Lyon, then write.", "Ask {{NAME_1}} of {{NAME_2}}, then write."),
        ("Look up PN-4471/b first.", "Look up {{CODE_1}} first."),
        ("回答「東京支店」于2026年3月2日。", "回答{{QUOTE_1}}于{{DATE_1}}。"),
        ("أجب عن الطلب ٤٢ فقط", "أجب عن الطلب {{NUMBER_1}} فقط"),
        ("1. Be brief.\n2) Be exact.\n", "1. Be brief.\n2) Be exact.\n"),
        ("Prüfe die Rechnung und den Vertrag, dann nenne den Betrag der Firma Karl Benz.",
         "Prüfe die Rechnung und den Vertrag, dann nenne den Betrag der {{NAME_1}}."),
        ("Use JSON. Keep {order_1}, {{ query }}.", "Use JSON. Keep {order_1}, {{ query }}."),
    ],
)  # fmt: skip
def test_entities_become_placeholders_by_their_form(text: str, expected: str) -> None:
    assert abstract_text(text).text == expected


def test_spans_of_the_manifest_stay() -> None:
    span = 'Give "total" as a number with 2 digits.'
    manifest = PromptManifest(id="a", constraints=PromptConstraints(output_contract=(span,)))
    found = abstract_text(f"Read page 3. {span}", manifest)
    assert found.text == f"Read page {{{{NUMBER_1}}}}. {span}"
    assert found.entities == {"NUMBER": 1}


@settings(max_examples=60)
@given(st.text(st.characters(categories=("L", "Nd", "Zs"), include_characters="\n-,"), max_size=60))
def test_no_number_is_left_and_a_second_time_changes_nothing(text: str) -> None:
    found = abstract_text(text).text
    assert not any(char.isdecimal() for char in ENTITY.sub("", found))
    assert abstract_text(found).text == found


def make_material(winner: str = WINNER, **changes: Any) -> TemplateMaterial:
    sound = TemplateMaterial(
        winner=winner,
        parent=PARENT,
        abstracted=abstract_text(winner, MANIFEST),
        manifest=MANIFEST,
        calls=100,
        success_low=0.8,
    )
    return replace(sound, **changes)


def codes_of(material: TemplateMaterial) -> list[TemplateCode]:
    found = check_template(material, TemplateLimits(30, 0.5))
    assert all(one.text for one in found)
    return [one.code for one in found]


QUESTION = "How long did the boiler in hall north stand still during the night of the storm?"
SLOT = PromptManifest(id="a", placeholders=(PlaceholderRule(text="{topic}"),))


@pytest.mark.parametrize(
    ("code", "material"),
    [
        (TemplateCode.NOT_STABLE, make_material(unstable="it was rolled back")),
        (TemplateCode.LOW_SUPPORT, make_material(calls=29)),
        (TemplateCode.QUALITY, make_material(success_low=0.49)),
        (TemplateCode.PERSONAL, make_material(WINNER + "Write to ann@example.org then.\n")),
        (TemplateCode.SINGLE_EXAMPLE, make_material(questions={"p": f"{ADDED}"})),
        (TemplateCode.SCHEMA, make_material(
            WINNER + "{topic}", manifest=SLOT, abstracted=abstract_text(WINNER))),
        (TemplateCode.OVER_ABSTRACTED, make_material(
            abstracted=abstract_text("Take " + " , ".join(map(str, range(40)))))),
        (TemplateCode.DUPLICATE, make_material(
            templates=[("b" * 64, abstract_text(WINNER).text + "!")])),
    ],
)  # fmt: skip
def test_each_reason_has_its_code_alone(code: TemplateCode, material: TemplateMaterial) -> None:
    assert codes_of(make_material()) == []
    assert codes_of(material) == [code]


def test_a_poisoned_winner_is_refused_with_its_code() -> None:
    token = "ghp_" + "a1B2" * 9
    secret = check_template(make_material(f"{WINNER}Use {token}.\n"), TemplateLimits(30, 0.5))
    assert TemplateCode.SECRET in {one.code for one in secret}
    assert not any(token in one.text for one in secret)
    example = make_material(WINNER + QUESTION + "\n", sealed_plans={"p7": QUESTION})
    assert set(codes_of(example)) == {TemplateCode.SINGLE_EXAMPLE, TemplateCode.POLICY}


# Which template a winner becomes, over the whole way from its promotion.


def make_world(root: Path, **library: Any) -> ServiceWorld:
    given = {"stay_hours": 2.0, "least_success": 0.5, **library}
    return ServiceWorld(root / "lab", {"orders": 0.7, "refunds": 0.5}, gain={}, library=given)


def promote(world: ServiceWorld, prompt_id: str, text: str, hours: float) -> str:
    digest = digest_text(text)
    verdict_id = f"{len(world.trials.verdicts) + 1}_{prompt_id}"
    world.trials.truth[digest] = 0.9
    world.trials.verdicts[verdict_id] = TrialVerdict(verdict_id, Outcome.YES, digest, prompt_id)
    why = PromotionReason(EDITOR, "better", at(hours))
    world.registry.promote({prompt_id: text}, {prompt_id: verdict_id}, why)
    return verdict_id


def find_one(world: ServiceWorld, text: str) -> Template:
    found = {one.lineage.variant: one for one in list_templates(world.context.lab)}
    return found[digest_text(text)]


def test_a_winner_that_stays_becomes_a_template_with_its_lineage(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    verdict_id = promote(world, "orders", WINNER, 1.0)
    world.serve(1.5, 40)
    assert "not_stable" in str(consume(world.run_at(1.6)))
    assert find_one(world, WINNER).text == ""
    world.serve(3.5, 200)
    lines = consume(world.run_at(3.6))
    assert any(line.endswith("accepted.") for line in lines)
    found = find_one(world, WINNER)
    assert found.additions == tuple(ADDED.splitlines())
    assert found.text == abstract_text(WINNER).text
    assert found.success_low is not None
    assert found.success_low > 0.5
    lineage = found.lineage
    assert (lineage.verdict_id, lineage.parent) == (verdict_id, digest_text(PARENT))
    row = world.registry.files.read_journal()[lineage.promotion - 1]
    assert row.verdicts == {"orders": verdict_id}
    assert consume(world.run_at(3.7)) == []
    events = [row["event"] for row in read_journal(world.context.lab)]
    assert events == ["template_refused", "template_added"]


def test_a_winner_that_is_rolled_back_or_quotes_a_later_plan_is_refused(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    before = world.registry.read_current()[0]
    promote(world, "orders", WINNER, 1.0)
    world.registry.roll_back(before, PromotionReason(EDITOR, "worse", at(1.2)))
    quoting = TEXT.format(topic="refunds") + QUESTION + " Say so.\n"
    promote(world, "refunds", quoting, 1.3)
    plan = world.context.lab.plans(Split.VERIFY) / "p7" / "refunds.question.txt"
    write_text(plan, QUESTION)
    world.serve(4.0, 300)
    consume(world.run_at(4.1))
    assert "not_stable" in find_one(world, WINNER).codes
    poisoned = find_one(world, quoting)
    assert (poisoned.state, poisoned.text, poisoned.additions) == ("refused", "", ())
    assert "single_example" in poisoned.codes
    files = template_folder(world.context.lab).glob("*.json")
    assert not any("boiler" in path.read_text() for path in files)


def test_templates_are_candidates_of_their_class_once_a_trial_said_yes(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    promote(world, "orders", WINNER, 1.0)
    world.serve(3.5, 200)
    consume(world.run_at(3.6))
    lab = world.context.lab
    path = template_folder(lab) / f"{digest_text(WINNER)}.json"
    found = find_one(world, WINNER).model_copy(update={"task_class": "refunds"})
    path.write_text(found.model_dump_json())
    off = propose(world.run_at(3.8), "2026-03-02_1", world.trials.prepare)
    assert off.prompt_id == "refunds"
    assert "template" not in {one.provenance.operator for one in off.candidates}
    register_ability_trial(lab, "9_library", "library", "refunds")
    write_iteration(lab, "9_library", WINNER)
    AbilitySwitches.load(lab).turn_on("library", "refunds", "9_library", at(3.9))
    world.serve(5.0, 200)
    on = propose(world.run_at(5.1), "2026-03-02_2", world.trials.prepare)
    (mined,) = (one for one in on.candidates if one.provenance.operator == "template")
    assert mined.text.startswith(TEXT.format(topic="refunds"))
    assert mined.text.endswith(ADDED)
    assert not mined.refused
    assert mined.provenance.note == f"template {digest_text(WINNER)[:12]}"
