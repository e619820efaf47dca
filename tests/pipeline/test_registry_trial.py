"""A step takes its prompt from the registry: trial, promotion, rollback, and one history."""

import json
from collections.abc import Callable
from typing import Any

import luigi
import pytest
import yaml

from pipeline.tasks.iteration import Iteration
from pipeline.tasks.loop import Revert
from pipeline.wiring import lab_context
from prompt_lab.experiments.dry_run import what_would_run
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.promotion import WORKER, person
from prompt_lab.experiments.registry_target import take_snapshot
from prompt_lab.names import Outcome
from prompt_lab.prompts.manifest import PlaceholderRule, PromptConstraints, PromptManifest
from prompt_lab.prompts.snapshots import PromotionKind, PromotionRefused
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import find_trial_verdict, open_registry
from prompt_lab.store.prompt_verify import verify_registry
from tests.pipeline.world import HINT, PLAIN, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
WHEN = "2026-01-01T00:00:00.000Z"
ID = "read_sum"
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")


def make_registry_world(make_world: MakeWorld) -> tuple[World, PromptRegistry]:
    """A world whose prompt is the registry's: `read_sum` in prompt.txt of the target."""
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    target = {"repository": "target", "registry": {ID: "prompt.txt"}}
    (world.root / "configs/targets/shop.yaml").write_text(yaml.safe_dump(target))
    manifest = PromptManifest(
        id=ID,
        placeholders=(PlaceholderRule(text="{invoice}"),),
        constraints=PromptConstraints(shortest=10, size_factor=20),
    )
    registry = open_registry(lab_context().lab)
    registry.import_texts({ID: PLAIN}, {ID: manifest}, PromotionReason(person(), "start", WHEN))
    return world, registry


def kinds(registry: PromptRegistry) -> list[PromotionKind]:
    return [row.kind for row in registry.files.read_journal()]


def verify(registry: PromptRegistry) -> list[str]:
    lab = lab_context().lab
    return verify_registry(registry.files, lambda name: find_trial_verdict(lab, name))


def test_a_yes_promotes_and_a_rollback_restores_both(make_world: MakeWorld) -> None:
    world, registry = make_registry_world(make_world)
    first, _ = registry.read_current()
    assert world.iterate()
    assert world.verdict(1).outcome is Outcome.YES
    assert HINT in registry.read_text(ID)
    assert registry.read_text(ID) == world.git("show", "main:prompt.txt") + "\n"
    meta, conclusion = world.record(1, "meta"), world.record(1, "conclusion")
    assert (meta["registry_prompt"], meta["snapshot"]) == (ID, first)
    assert conclusion["snapshot"] == registry.read_current()[0] != first
    row = registry.files.read_journal()[-1]
    assert (row.kind, row.verdicts, row.actor) == (
        PromotionKind.PROMOTE,
        {ID: "1_read_sum"},
        WORKER,
    )
    assert verify(registry) == []
    # The worker may not bring back what a person has rolled back; nor is its merge undone silently.
    registry.roll_back(first, PromotionReason(person(), "It reads the wrong year.", WHEN))
    text = world.git("show", "main:prompt.txt") + "\n"
    with pytest.raises(PromotionRefused, match="rolled this text back"):
        registry.promote({ID: text}, {ID: "1_read_sum"}, PromotionReason(WORKER, "again", WHEN))
    assert take_snapshot(lab_context(), "shop", when=WHEN) == "pulls/0002.html"
    assert take_snapshot(lab_context(), "shop", when=WHEN) == ""
    assert world.git("show", "main:prompt.txt") + "\n" == PLAIN
    page = write_ledger(lab_context()) and (world.lab / "index.html").read_text()
    assert page.count("It reads the wrong year.") == 1
    assert "1_read_sum" in page
    assert verify(registry) == []


def test_the_guard_refuses_a_branch_before_any_call(make_world: MakeWorld) -> None:
    world, registry = make_registry_world(make_world)
    world.branch("bad", {"prompt.txt": BETTER.replace("{invoice}", "{invoices}")})
    refused = "Extract the amount of the invoice below, as its reader pays it.\n"
    world.branch("worse", {"prompt.txt": f"<think>\nHm.\n</think>\n{refused}{BETTER}"})
    assert "INVALID    The guard refuses" in what_would_run(Iteration(branch="worse").experiment)
    assert world.iterate(branch="worse")
    assert world.verdict(1).outcome is Outcome.INVALID
    [reason] = world.verdict(1).reasons
    assert (reason.code, reason.facts["codes"]) == ("guard_refused", "reasoning")
    assert not list((world.lab / "history").rglob("run.json"))
    [row] = _rows(world)
    assert (row["codes"], row["prompt"], row["reason"]) == (["reasoning"], ID, "worse")
    assert kinds(registry) == [PromotionKind.IMPORT]


def test_a_failed_merge_takes_the_promotion_back(make_world: MakeWorld) -> None:
    world, registry = make_registry_world(make_world)
    world.branch("idea", {"prompt.txt": BETTER})
    in_the_way = world.target / ".git/index.lock"  # main's checkout cannot be moved on
    in_the_way.touch()
    assert not world.iterate(branch="idea")
    assert registry.read_text(ID) == PLAIN
    assert kinds(registry) == [PromotionKind.IMPORT, PromotionKind.PROMOTE, PromotionKind.ROLLBACK]
    in_the_way.unlink()
    assert world.iterate(number=1)
    assert registry.read_text(ID) == BETTER
    assert world.git("show", "main:prompt.txt") + "\n" == BETTER
    assert verify(registry) == []


def test_a_revert_rolls_the_registry_back(make_world: MakeWorld) -> None:
    world, registry = make_registry_world(make_world)
    assert world.iterate()
    assert luigi.build([Revert(number=1, reason="Wrong.")], local_scheduler=True, log_level="ERROR")
    assert registry.read_text(ID) == PLAIN == world.git("show", "main:prompt.txt") + "\n"
    assert kinds(registry)[-1] is PromotionKind.ROLLBACK


def test_a_merge_and_a_revert_of_a_git_target_are_rows_of_the_same_journal(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    assert world.iterate()
    registry = open_registry(lab_context().lab)
    [merge] = registry.files.read_journal()
    assert merge.kind is PromotionKind.PROMOTE
    assert merge.git is not None
    assert merge.git.after == world.git("rev-parse", "main")
    assert merge.verdicts == {"shop:prompt.txt": "1_read_sum"}
    registry.import_texts(
        {"query": "Answer briefly. " * 20}, {}, PromotionReason(person(), "start", WHEN)
    )
    for _ in range(2):  # the second changes nothing
        assert luigi.build(
            [Revert(number=1, reason="Wrong.")], local_scheduler=True, log_level="ERROR"
        )
    assert kinds(registry) == [PromotionKind.PROMOTE, PromotionKind.IMPORT, PromotionKind.ROLLBACK]
    assert verify(registry) == []
    page = (world.lab / "index.html").read_text()
    assert page.index("shop:prompt.txt") > page.index('id="promotions"')
    assert "query" in page


def _rows(world: World) -> list[dict[str, Any]]:
    lines = (world.lab / "prompts/refusals.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
