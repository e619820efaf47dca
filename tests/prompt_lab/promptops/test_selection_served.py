"""The selector in the contract: off without a YES, audited, never what is out of service."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompt_lab.config.promptops import PromptOpsConfig, SelectorConfig
from prompt_lab.errors import StoreError
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.abilities import AbilitySwitches, register_ability_trial
from prompt_lab.promptops.canary import canary_file
from prompt_lab.promptops.contract import PromptOps
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.records import Canary, PromptPrepared
from prompt_lab.promptops.selection.candidates import (
    PausedVariant,
    find_promoted,
    pause_variant,
    read_paused,
    resume_variant,
)
from prompt_lab.promptops.selection.records import SelectionRow
from prompt_lab.promptops.selection.sources import update_evidence
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.prompts.snapshots import PromotionRefused, digest_text
from prompt_lab.store.files import read_rows, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.memory_stores import MemoryOutcomes
from tests.pipeline.web.labs import find_any, why, write_iteration

ID, CLASS, NOW = "orders", "support", "2026-03-02T00:00:00.000Z"
TEXTS = tuple(
    f"Answer the customer in one sentence. Rule {mark}.\n" + "Name the source you rest on.\n" * 8
    for mark in "ABC"
)
A, B, C = map(digest_text, TEXTS)


def make_registry(root: Path) -> PromptRegistry:
    """A was imported, B promoted after it."""
    registry = PromptRegistry(PromptFiles(root / "prompts"), find_any)
    manifest = propose_manifest(ID, TEXTS[0]).model_copy(update={"task_class": CLASS})
    registry.import_texts({ID: TEXTS[0]}, {ID: manifest}, why("as it was", 1))
    promote(registry, 1)
    return registry


def promote(registry: PromptRegistry, number: int) -> None:
    text = TEXTS[number]
    registry.promote({ID: text}, {ID: f"v:{digest_text(text)}"}, why("better", 2))


def turn_on(lab: Lab) -> None:
    register_ability_trial(lab, "1_support", "selector", CLASS)
    write_iteration(lab, "1_support", TEXTS[1])
    AbilitySwitches.load(lab).turn_on("selector", CLASS, "1_support", NOW)


def make_outcomes(shares: dict[str, int], calls: int = 100) -> Iterable[CallOutcome]:
    """variant -> successes of ten calls."""
    for variant, share in shares.items():
        for n in range(calls):
            yield CallOutcome(
                trace=f"{variant}{n}", when="2026-03-01T00:00:00.000Z", prompt_id=ID,
                task_class=CLASS, variant=variant, success=n % 10 < share,
            )  # fmt: skip


def open_service(lab: Lab, **selector: Any) -> PromptOps:
    config = PromptOpsConfig(prepare_ms=60_000, selector=SelectorConfig(**selector))
    return PromptOps(lab, config, now=lambda: NOW)


def ask(service: PromptOps, calls: int) -> list[PromptPrepared]:
    return [service.prepare(CLASS, "Where is it?") for _ in range(calls)]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    make_registry(tmp_path)
    return Lab(tmp_path)


def count_into(lab: Lab, shares: dict[str, int]) -> None:
    update_evidence(lab, MemoryOutcomes(make_outcomes(shares)), SelectorConfig(), now=NOW)


def test_it_is_off_without_a_yes(lab: Lab) -> None:
    count_into(lab, {A: 9, B: 4})
    with open_service(lab) as service:
        found = Counter((one.variant, one.strategy) for one in ask(service, 50))
    assert found == {(B, "current"): 50}
    assert not (lab.root / "promptops" / "selection.jsonl").exists()
    assert not (lab.root / "promptops" / "selection").exists()


def test_each_choice_is_audited_and_the_better_text_served(lab: Lab) -> None:
    turn_on(lab)
    count_into(lab, {A: 9, B: 4})
    with open_service(lab, settled=0.1) as service:
        found = ask(service, 200)
        recommended = service.recommend_template(CLASS)
    rows = [
        SelectionRow.model_validate(row)
        for row in read_rows(lab.root / "promptops" / "selection.jsonl")
    ]
    assert [(row.trace, row.variant) for row in rows] == [(one.trace, one.variant) for one in found]
    assert [row.number for row in rows] == list(range(1, 201))
    explored = [row for row in rows if row.explored]
    assert 10 <= len(explored) <= 20
    assert {row.variant for row in explored} == {B}
    assert {row.variant for row in rows if not row.explored} == {row.leader for row in rows} == {A}
    assert {one.strategy for one in found} == {"selected", "explored"}
    assert {row.evidence for row in rows} == {NOW}
    for one in found:
        assert isinstance(one.prompt, tuple)
        assert one.prompt[0]["content"] == TEXTS[one.variant == B].strip()
    assert recommended is not None
    assert (recommended.variant, recommended.text, recommended.strategy) == (
        A, TEXTS[0], "selected",
    )  # fmt: skip


def test_the_same_seed_and_log_choose_the_same(lab: Lab) -> None:
    turn_on(lab)
    count_into(lab, {A: 6, B: 6})
    found = []
    for seed in (1, 1, 2):
        with open_service(lab, seed=seed) as service:
            found.append([one.variant for one in ask(service, 100)])
    assert found[0] == found[1] != found[2]


def test_while_a_canary_runs_its_arms_are_served(lab: Lab) -> None:
    turn_on(lab)
    count_into(lab, {A: 9, B: 4})
    PromptFiles(lab.root / "prompts").write_version(TEXTS[2])
    canary = Canary(
        prompt_id=ID, candidate=C, control=B, verdict_id="v", share=0.5, seed=1, started=NOW
    )
    write_record(canary_file(lab, ID), canary)
    with open_service(lab) as service:
        assert {one.strategy for one in ask(service, 40)} == {"canary", "control"}


def test_wrong_context_values_give_the_raw_prompt_with_the_reason(lab: Lab) -> None:
    turn_on(lab)
    with open_service(lab) as service:
        got = service.prepare(CLASS, "raw", {"max_cost_usd": "cheap"})
        assert (got.prompt, got.applied) == ("raw", False)
        assert "max_cost_usd" in got.reason


def test_a_paused_current_text_gives_way_to_another_or_to_the_raw_prompt(lab: Lab) -> None:
    registry = PromptRegistry(PromptFiles(lab.root / "prompts"), find_any)
    pause_variant(lab, registry, ID, pause(B))
    with open_service(lab) as service:
        (got,) = ask(service, 1)
        assert (got.prompt, got.applied) == ("Where is it?", False)
        assert "paused" in got.reason
        assert service.recommend_template(CLASS) is None
        turn_on(lab)
        service.served.refresh()
        assert {one.variant for one in ask(service, 30)} == {A}
        resume_variant(lab, ID, pause(B))
        service.served.refresh()
        assert B in {one.variant for one in ask(service, 30)}
    assert [row["event"] for row in read_journal(lab)] == ["variant_paused", "variant_resumed"]
    with pytest.raises(StoreError, match="is not paused"):
        resume_variant(lab, ID, pause(B))


def test_damaged_pauses_stop_the_service_of_registered_texts(lab: Lab) -> None:
    folder = lab.root / "promptops" / "selection"
    folder.mkdir(parents=True)
    (folder / "paused.json").write_text("{")
    with open_service(lab) as service:
        (got,) = ask(service, 1)
    assert not got.applied
    assert "paused.json" in got.reason


def pause(variant: str) -> PausedVariant:
    return PausedVariant(variant=variant, actor="ann", reason="it was rude", when=NOW)


EVENTS = ("promote A", "promote B", "promote C", "back", "pause A", "pause B", "resume", "force C")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_a_paused_or_rolled_back_variant_is_never_served(
    tmp_path_factory: pytest.TempPathFactory, events: list[str], seed: int
) -> None:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    registry = make_registry(lab.root)
    turn_on(lab)
    count_into(lab, {A: 6, B: 6, C: 6})
    allowed, paused = {A, B}, set[str]()
    with open_service(lab, exploration=0.5, settled=0.5, seed=seed) as service:
        for event in events:
            _apply(event, registry, lab, allowed, paused)
            service.served.refresh()
            served = {one.variant for one in ask(service, 20) if one.applied}
            assert not served & paused
            assert served <= allowed


def _apply(
    event: str, registry: PromptRegistry, lab: Lab, allowed: set[str], paused: set[str]
) -> None:
    """Do it where the registry lets it, and what of it follows by the words of the requirement."""
    word, _, mark = event.partition(" ")
    number = "ABC".find(mark)
    current = registry.read_current()[1].prompts[ID]
    try:
        if word == "promote":
            promote(registry, number)
            allowed.add((A, B, C)[number])
        elif word == "force":
            registry.force(ID, TEXTS[number], why("by hand", 3))
            allowed.add(C)
        elif word == "back":
            pointer = registry.files.read_pointer()
            assert pointer is not None
            registry.roll_back(pointer.from_snapshot, why("worse", 3))
            allowed.discard(current)
            allowed.add(registry.read_current()[1].prompts[ID])
        elif word == "pause":
            pause_variant(lab, registry, ID, pause((A, B)[number]))
            paused.add((A, B)[number])
        else:
            for variant in read_paused(lab).list_variants(ID):
                resume_variant(lab, ID, pause(variant))
            paused.clear()
    except PromotionRefused:
        return


def test_a_forced_text_has_no_alternatives_and_is_none_itself_later(lab: Lab) -> None:
    turn_on(lab)
    registry = PromptRegistry(PromptFiles(lab.root / "prompts"), find_any)
    registry.force(ID, TEXTS[2], why("by hand", 3))
    with open_service(lab) as service:
        assert {one.variant for one in ask(service, 30)} == {C}
    promote(registry, 0)
    assert set(find_promoted(registry.files, ID)) == {A, B}
