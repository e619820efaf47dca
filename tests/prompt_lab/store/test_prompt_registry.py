"""Promote, force, roll back, verify: what is refused, what a kill leaves, and many at once."""

import json
import multiprocessing
import random
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.names import Outcome
from prompt_lab.prompts.manifest import SHIPPED
from prompt_lab.prompts.snapshots import (
    Actor,
    ActorKind,
    PromotionKind,
    PromotionRefused,
    TrialVerdict,
    digest_text,
)
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_plans import read_plan_texts
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import find_trial_verdict
from prompt_lab.store.prompt_verify import verify_registry
from tests.prompt_lab.store.prompt_worker import WHY, find_verdict, open_registry, write_text
from tests.prompt_lab.store.prompt_worker import main as run_worker

ID = "master_system_core"
PERSON = PromotionReason(Actor(name="ann", kind=ActorKind.PERSON), "urgent", WHY.when)
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    made = open_registry(tmp_path / "prompts")
    made.import_texts({ID: write_text("first"), "query": "Answer briefly. " * 20}, {}, PERSON)
    return made


def promote(registry: PromptRegistry, mark: str) -> str:
    row = registry.promote({ID: write_text(mark)}, {ID: f"YES/{mark}"}, WHY)
    return row.to_snapshot


def verify(registry: PromptRegistry) -> list[str]:
    return verify_registry(registry.files, find_verdict)


def test_imports_with_the_shipped_manifest(registry: PromptRegistry) -> None:
    assert registry.files.read_manifest(ID) == SHIPPED[0]
    assert registry.read_text(ID) == write_text("first")
    assert verify(registry) == []
    with pytest.raises(PromotionRefused, match="already, with another text"):
        registry.import_texts({ID: "x" * 300}, {}, PERSON)


@pytest.mark.parametrize("verdict", ["", "YES/other", "NO/b", "CONDITIONAL/b", "INVALID/b", "none"])
def test_promotes_only_with_a_yes_for_exactly_this_text(
    registry: PromptRegistry, verdict: str
) -> None:
    before = registry.files.read_pointer()
    with pytest.raises(PromotionRefused):
        registry.promote({ID: write_text("b")}, {ID: verdict} if verdict else {}, WHY)
    assert registry.files.read_pointer() == before
    assert verify(registry) == []


def test_one_verdict_does_not_cover_two_prompts(registry: PromptRegistry) -> None:
    with pytest.raises(PromotionRefused, match="'query' has no verdict"):
        registry.promote(
            {ID: write_text("b"), "query": "Answer at length. " * 20}, {ID: "YES/b"}, WHY
        )
    assert registry.read_text(ID) == write_text("first")


def test_promotes_and_rolls_back(registry: PromptRegistry) -> None:
    first, _ = registry.read_current()
    second = promote(registry, "b")
    assert registry.read_text(ID) == write_text("b")
    row = registry.roll_back(first, PERSON)
    assert (row.kind, row.from_snapshot, row.to_snapshot) == (
        PromotionKind.ROLLBACK,
        second,
        first,
    )
    assert registry.read_text(ID) == write_text("first")
    assert [one.sequence for one in registry.files.read_journal()] == [1, 2, 3]
    assert verify(registry) == []


def test_rolls_back_only_to_what_was_current(registry: PromptRegistry) -> None:
    first, snapshot = registry.read_current()
    stray = registry.files.write_snapshot(snapshot.model_copy(update={"reason": "never"}))
    with pytest.raises(PromotionRefused, match="never current"):
        registry.roll_back(stray, PERSON)
    with pytest.raises(PromotionRefused, match="current already"):
        registry.roll_back(first, PERSON)
    with pytest.raises(PromotionRefused, match="needs a reason"):
        registry.roll_back(first, PERSON._replace(text=" "))


def test_only_a_person_forces(registry: PromptRegistry) -> None:
    for kind in (ActorKind.WORKER, ActorKind.SCHEDULE):
        why = PERSON._replace(actor=Actor(name="x", kind=kind))
        with pytest.raises(PromotionRefused, match="only a person"):
            registry.force(ID, write_text("b"), why)
    with pytest.raises(PromotionRefused, match="needs a reason"):
        registry.force(ID, write_text("b"), PERSON._replace(text=""))
    row = registry.force(ID, write_text("b"), PERSON)
    assert row.kind is PromotionKind.FORCE
    assert row.forced == (ID,)
    assert registry.read_current()[1].forced == (ID,)
    assert verify(registry) == []


def test_an_import_adds_and_never_replaces(registry: PromptRegistry) -> None:
    first, _ = registry.read_current()
    row = registry.import_texts({ID: write_text("first"), "new": "Answer. " * 40}, {}, PERSON)
    assert (row.kind, row.from_snapshot) == (PromotionKind.IMPORT, first)
    assert set(registry.read_current()[1].prompts) == {ID, "query", "new"}
    with pytest.raises(PromotionRefused, match="not there yet"):
        registry.import_texts({ID: write_text("first")}, {}, PERSON)
    assert verify(registry) == []


def test_a_label_pins_a_snapshot_and_is_recorded(registry: PromptRegistry) -> None:
    first, _ = registry.read_current()
    registry.set_label("staging", first, PERSON)
    second = promote(registry, "b")
    row = registry.files.read_pointer()
    assert row is not None
    assert row.labels == {"staging": first}
    registry.set_label("staging", second, PERSON)
    assert registry.set_label("staging", "", PERSON).labels == {}
    assert [one.kind.value for one in registry.files.read_journal()][-2:] == ["label", "label"]
    for label, snapshot, why in (
        ("production", first, "the pointer"),
        ("a b", first, "is no label"),
        ("staging", "0" * 64, "never current"),
        ("staging", "", "never there"),
    ):
        with pytest.raises(PromotionRefused, match=why):
            registry.set_label(label, snapshot, PERSON)
    assert verify(registry) == []


def test_a_persons_rollback_stands(registry: PromptRegistry) -> None:
    first, _ = registry.read_current()
    promote(registry, "b")
    registry.roll_back(first, PERSON)
    with pytest.raises(PromotionRefused, match="'ann' rolled this text back"):
        promote(registry, "b")
    promote(registry, "c")  # another text is no matter of that
    registry.promote({ID: write_text("b")}, {ID: "YES/b"}, PERSON)
    assert registry.read_text(ID) == write_text("b")


def test_refuses_a_verdict_of_another_prompt(registry: PromptRegistry) -> None:
    def find(verdict_id: str) -> TrialVerdict:
        return TrialVerdict(verdict_id, Outcome.YES, digest_text(write_text("b")), "query")

    bound = PromptRegistry(registry.files, find)
    with pytest.raises(PromotionRefused, match="about the prompt 'query'"):
        bound.promote({ID: write_text("b")}, {ID: "1_query"}, WHY)


def test_a_sealed_plan_is_not_promoted(registry: PromptRegistry, tmp_path: Path) -> None:
    plan = tmp_path / "baseline/verify/p1"
    plan.mkdir(parents=True)
    (plan / "note.txt").write_text("Pallet 17 fell off at 03:12 near the gate.")
    read = partial(read_plan_texts, Lab(tmp_path))
    guarded = PromptRegistry(registry.files, find_verdict, read)
    leak = write_text("b") + "PALLET 17 fell off, at 03:12, near the gate!"
    with pytest.raises(PromotionRefused, match="leakage: it quotes the sealed plan 'p1'"):
        guarded.force(ID, leak, PERSON)
    shutil.copytree(plan, tmp_path / "baseline/train/p1")  # what a train plan says may be said
    manifest = SHIPPED[0].model_copy(update={"scope": "specific"})
    guarded.files.write_manifest(manifest)
    guarded.force(ID, leak, PERSON)


def test_the_guard_stands_before_every_door(registry: PromptRegistry) -> None:
    text = write_text("b").replace("{{PLAYBOOKS}}", "{{PLAYBOOK}}")
    with pytest.raises(PromotionRefused, match="placeholder_altered"):
        registry.force(ID, text, PERSON)
    row = json.loads((registry.files.root / "refusals.jsonl").read_text())
    assert row["codes"] == ["placeholder_altered", "placeholder_unknown"]


def test_a_failed_promotion_leaves_the_old_text(registry: PromptRegistry) -> None:
    folder = registry.files.root / "snapshots"
    folder.rename(folder.with_name("away"))
    with pytest.raises(StoreError):
        promote(registry, "b")
    folder.with_name("away").rename(folder)
    assert registry.read_text(ID) == write_text("first")
    assert verify(registry) == []


def test_a_row_lost_by_a_kill_is_appended(registry: PromptRegistry) -> None:
    promote(registry, "b")
    whole = registry.files.journal.read_text()
    first, second = whole.splitlines(keepends=True)
    for torn in (first, first + second[:40], first + second[:-1]):
        registry.files.journal.write_text(torn)
        assert verify(registry) == []
        assert len(registry.files.read_journal()) == 2


def damage_version(registry: PromptRegistry) -> None:
    digest = registry.read_current()[1].prompts[ID]
    (registry.files.root / "versions" / f"{digest}.txt").write_text("other")


def damage_row(registry: PromptRegistry) -> None:
    text = registry.files.journal.read_text()
    registry.files.journal.write_text(text.replace('"name": "test"', '"name": "eve"'))


def remove_row(registry: PromptRegistry) -> None:
    lines = registry.files.journal.read_text().splitlines(keepends=True)
    registry.files.journal.write_text("".join(lines[:1] + lines[2:]))


@pytest.mark.parametrize("damage", [damage_version, damage_row, remove_row])
def test_verify_finds_damage(
    registry: PromptRegistry, damage: Callable[[PromptRegistry], None]
) -> None:
    promote(registry, "b")
    promote(registry, "c")
    assert verify(registry) == []
    damage(registry)
    assert verify(registry)


def test_verify_finds_a_verdict_that_is_gone(registry: PromptRegistry) -> None:
    promote(registry, "b")
    assert "there is no verdict 'YES/b'" in verify_registry(registry.files, lambda _: None)[0]


def kill_and_check(registry: PromptRegistry, kills: int) -> None:
    """Start a process that promotes and rolls back, kill it at a random moment, `kills` times."""
    rng, reported = random.Random(17), FORK.Value("q", 0, lock=False)
    for number in range(kills):
        at_work = FORK.Event()

        def report(sequence: int, at_work: Any = at_work) -> None:
            reported.value = sequence
            at_work.set()

        process = FORK.Process(
            target=run_worker, args=(registry.files.root, f"k{number}", 0, report)
        )
        process.start()
        assert at_work.wait(60)
        time.sleep(rng.uniform(0, 0.03))  # where the kill falls, not a wait for anything
        process.kill()
        process.join()
        pointer = registry.files.read_pointer()
        assert pointer is not None
        assert pointer.sequence >= reported.value  # what a caller was told is not lost
        assert len(registry.read_text(ID)) > 200  # no pointer to a missing version
        last = read_rows(registry.files.journal, 1 << 14)[-1]["sequence"]
        assert pointer.sequence - last in (0, 1)
    assert verify(registry) == []
    rows = registry.files.read_journal()
    assert len(rows) > kills
    assert rows[-1] == registry.files.read_pointer()


@pytest.mark.slow
def test_fifty_kills_leave_old_or_new(registry: PromptRegistry) -> None:
    kill_and_check(registry, 50)


@pytest.mark.slow
@pytest.mark.long
def test_a_thousand_kills_leave_old_or_new(registry: PromptRegistry) -> None:
    kill_and_check(registry, 1000)


@pytest.mark.slow
def test_four_processes_are_serialised_without_loss(registry: PromptRegistry) -> None:
    each = 25
    started = [
        FORK.Process(target=run_worker, args=(registry.files.root, f"p{number}", each, int))
        for number in range(4)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    assert [process.exitcode for process in started] == [0, 0, 0, 0]
    rows = registry.files.read_journal()
    assert len(rows) == 1 + 4 * each
    assert verify(registry) == []


def write_iteration(lab: Lab, outcome: Outcome, text: str) -> None:
    folder = lab.analysis / "3_triage"
    folder.mkdir(parents=True, exist_ok=True)
    sides = {"baseline": {"prompt_sha256": "0"}, "candidate": {"prompt_sha256": digest_text(text)}}
    (folder / "verdict_facts.json").write_text(json.dumps({"sides": sides}))
    numbers: dict[str, Any] = dict.fromkeys(("effect", "interval", "effect_size", "p_value"))
    numbers |= dict.fromkeys(("n_plans", "n_pairs", "calls", "calls_planned", "look", "looks"), 1)
    rest = {"reasons": [], "alpha": 0.05, "method": "m", "seed": 1, "fingerprint": ""}
    (folder / "verdict.json").write_text(json.dumps({"outcome": outcome, **numbers, **rest}))


def test_an_iterations_verdict_promotes_its_text(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    registry = PromptRegistry(PromptFiles(tmp_path / "prompts"), partial(find_trial_verdict, lab))
    registry.import_texts({ID: write_text("first")}, {}, PERSON)
    write_iteration(lab, Outcome.NO, write_text("b"))
    with pytest.raises(PromotionRefused, match="is NO, not YES"):
        registry.promote({ID: write_text("b")}, {ID: "3_triage"}, WHY)
    write_iteration(lab, Outcome.YES, write_text("b"))
    with pytest.raises(PromotionRefused, match="about another text"):
        registry.promote({ID: write_text("c")}, {ID: "3_triage"}, WHY)
    registry.promote({ID: write_text("b")}, {ID: "3_triage"}, WHY)
    assert registry.read_text(ID) == write_text("b")


@pytest.mark.parametrize("verdict_id", ["../3_triage", "3_triage/..", "", "4_triage", "triage"])
def test_a_verdict_is_found_by_its_folder_alone(tmp_path: Path, verdict_id: str) -> None:
    write_iteration(Lab(tmp_path), Outcome.YES, "d")
    assert find_trial_verdict(Lab(tmp_path), verdict_id) is None
