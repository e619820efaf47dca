"""A cycle's winner becomes the baseline by a pull request on the configuration, once."""

import json
from collections.abc import Callable

import pytest
import yaml

from pipeline.wiring import lab_context
from prompt_lab.benchmark.candidates import apply_candidate, propose_candidates
from prompt_lab.benchmark.config_pulls import adopt_pulls, find_waiting, publish_rollback
from prompt_lab.benchmark.cycle_records import CycleBaseline, CycleResults
from prompt_lab.benchmark.harness_config import (
    list_versions,
    read_harness_config,
    roll_back,
    save_version,
)
from prompt_lab.benchmark.promote_winner import promote_winner, tuned_alias
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.variants import add_variants
from tests.pipeline.world import READS_FIRST, World, scripted

pytestmark = pytest.mark.slow
BASELINE = CycleBaseline(model="small", suite="extended", phase="extended")
FILE = "prompt-lab/benchmark.yaml"
NOW = "2026-01-01T00:00:00Z"
WINNER = "small+temperature=0.3"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    made = make_world(models={"small": scripted(READS_FIRST)}, train=3, verify=1)
    suite = {"phase": "extended", "step": "read_sum", "plans": ["plan_train_000"]}
    path = made.root / "configs/suites/extended.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(suite))
    return made


def won(ctx: LabContext, number: int = 1) -> CycleResults:
    """A cycle whose verdict was YES, with its winner as an alias of the lab."""
    candidate = propose_candidates(ctx.models["small"], [], warm_up_on=True)[0]
    variant = apply_candidate(ctx.models["small"], candidate)
    add_variants(ctx.lab, {variant.alias: variant})
    ctx.models[variant.alias] = variant
    return CycleResults(
        cycle=number,
        generated_at=NOW,
        baseline=BASELINE,
        ran="small",
        winner=variant.alias,
        outcome="YES",
        reason="It is better.",
        effect=0.5,
        p_value=0.01,
        alpha=0.03,
        test="pairs of plans",
    )


def at_main(world: World) -> dict[str, object]:
    found = yaml.safe_load(world.git("show", f"main:{FILE}"))
    assert isinstance(found, dict)
    return found


def test_a_winner_is_merged_after_its_verdict_and_repeating_changes_nothing(world: World) -> None:
    ctx = lab_context()
    first = promote_winner(ctx, won(ctx))
    assert (first.changed, first.pull_state, first.config_version) == (True, "merged", 1)
    assert tuned_alias(ctx, BASELINE) == WINNER
    tuning = at_main(world)["tuning"]
    assert tuning == {
        "small::extended": {
            "model": WINNER,
            "base": "small",
            "settings": {**tuning["small::extended"]["settings"], "temperature": 0.3},  # type: ignore[index]
            "timeout_seconds": 120.0,
            "retries": 4,
            "verdict": "benchmarks/cycles/CYCLE_1_RESULTS.json",
        }
    }
    stored = json.loads((world.lab / "pulls/0001.json").read_text())
    events = [event["what"] for event in stored["history"]]
    assert events.index("commented") < events.index("merged")
    head = world.git("rev-parse", "main")
    assert promote_winner(ctx, won(ctx)) == first
    assert (world.git("rev-parse", "main"), len(list_versions(ctx.lab))) == (head, 1)


def test_a_pull_request_that_waits_changes_nothing_until_a_person_merges_it(world: World) -> None:
    ctx = lab_context()
    changes = {"pull_requests": {"merge": False}}
    save_version(ctx, changes, actor="me", reason="I merge by hand", now=NOW)
    found = promote_winner(ctx, won(ctx))
    assert (found.changed, found.pull_state) == (False, "open")
    assert tuned_alias(ctx, BASELINE) == "small"
    assert adopt_pulls(ctx) == []
    assert find_waiting(ctx, "small::extended") is not None
    pull = ctx.code_host("shop").get(1)
    ctx.code_host("shop").merge(1, expected_head=pull.head, message="Merge", when=NOW)
    [version] = adopt_pulls(ctx)
    assert (version.number, version.source) == (2, "cycle_1")
    assert tuned_alias(ctx, BASELINE) == WINNER
    assert read_harness_config(ctx).pull_requests.merge is False  # what a person set stays
    assert [one.number for one in adopt_pulls(ctx)] == [2]
    assert find_waiting(ctx, "small::extended") is None


def test_what_was_merged_is_what_counts_and_a_broken_file_is_named(world: World) -> None:
    ctx = lab_context()
    save_version(ctx, {"pull_requests": {"merge": False}}, actor="me", reason="", now=NOW)
    promote_winner(ctx, won(ctx))
    world.git("checkout", "-q", "prompt-lab/config-cycle-1")
    (world.target / FILE).write_text("tuning: {small::extended: {modell: x}}\n")
    world.git("commit", "-q", "-am", "Edit it")
    world.git("checkout", "-q", "main")
    head = ctx.code_host("shop").get(1).head
    ctx.code_host("shop").merge(1, expected_head=head, message="Merge", when=NOW)
    with pytest.raises(ConfigError, match=rf"\(main\): {FILE}:1: tuning\.small::extended\.modell"):
        adopt_pulls(ctx)
    assert tuned_alias(ctx, BASELINE) == "small"


def test_a_rollback_restores_the_version_before_and_the_file_with_it(world: World) -> None:
    ctx = lab_context()
    promote_winner(ctx, won(ctx))
    made = roll_back(ctx, -1, actor="me", now=NOW)
    assert tuned_alias(ctx, BASELINE) == "small"
    pull = publish_rollback(ctx, made)
    assert pull is not None
    assert (pull.number, pull.state.value) == (2, "merged")
    assert at_main(world) == {"tuning": {}, "warm_up": {"models": []}}
    assert adopt_pulls(ctx) == list_versions(ctx.lab)[:1]  # nothing is adopted again
    assert tuned_alias(ctx, BASELINE) == "small"


def test_each_improvement_can_be_switched_off(world: World) -> None:
    ctx = lab_context()
    changes: dict[str, object] = {"pull_requests": {"enabled": False}}
    save_version(ctx, changes, actor="me", reason="", now=NOW)
    found = promote_winner(ctx, won(ctx))
    assert (found.changed, found.pull) == (True, "")
    assert tuned_alias(ctx, BASELINE) == WINNER
    assert "config" not in world.git("branch", "--all")
    save_version(ctx, {"tuning_enabled": False}, actor="me", reason="", now=NOW)
    assert tuned_alias(ctx, BASELINE) == "small"


def test_a_warm_up_that_was_shown_to_help_becomes_the_default_of_its_model(world: World) -> None:
    ctx = lab_context()
    found = won(ctx).model_copy(update={"test": "cold starts"})
    assert promote_winner(ctx, found).changed
    assert read_harness_config(ctx).warm_up.models == ("small",)
    assert at_main(world) == {"tuning": {}, "warm_up": {"models": ["small"]}}
