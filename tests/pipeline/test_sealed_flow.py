"""What an iteration under sealed plans spends, says of its calls, and refuses to pay for."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from pipeline.wiring import cached_context, lab_context
from prompt_lab.clock import utc_now
from prompt_lab.decide.ledger import grant
from prompt_lab.experiments.budget_grant import budgets
from prompt_lab.experiments.budget_uses import uses
from prompt_lab.experiments.ref_watch import REFS_MOVED
from prompt_lab.names import Outcome
from prompt_lab.store.journal import note
from tests.pipeline.terminal import luigi
from tests.pipeline.test_judging import SEES_RIGHT, step
from tests.pipeline.test_sealed import BETTER, SEALED, confirmations, plans_run
from tests.pipeline.world import HINT, NUMBER, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
TUNED = {
    "rules": [
        {"when": ["shop train", HINT], "answer": '{"amount": {1}}', "answer_regex": NUMBER},
        {"answer": '{"amount": {0}}', "answer_regex": NUMBER},
    ]
}
"""A model that a change helps on train plans alone."""
RULE_2 = {"mode": "fixed", "verify": "required", "ledger": {"control": "planned", "budget": 0.05,
          "iterations": 10}}  # fmt: skip


def set_policy(world: World, values: dict[str, Any]) -> None:
    """Replace the policy's file, which this process reads anew."""
    (world.root / "configs/policies/default.yaml").write_text(yaml.safe_dump(values))
    cached_context.cache_clear()


def left() -> int | None:
    """Confirmations that the current policy has left."""
    ctx = lab_context()
    policy = ctx.policy("default")
    return grant(uses(ctx, "read_sum", policy, before=99), policy).left


@pytest.mark.parametrize("skip_runner", [False, True])
def test_the_same_rows_judged_again_spend_nothing(
    make_world: MakeWorld, *, skip_runner: bool
) -> None:
    world = make_world(train=10, verify=30, policy=SEALED, models={"m": scripted(TUNED)})
    world.branch("tuned", {"prompt.txt": BETTER})
    assert world.iterate(branch="tuned")
    assert left() == 17
    set_policy(world, {**SEALED, "model_margin": 0.2})  # another policy: it may be asked again
    assert world.iterate(branch="tuned", skip_runner=skip_runner)
    assert world.verdict(2).outcome is Outcome.NO
    assert world.record(2, "runs_verify")["calls_made"] == 0
    assert confirmations(world) == [1, 2]
    assert left() == 17
    world.branch("other", {"prompt.txt": BETTER + "Please.\n"})
    assert world.iterate(branch="other")
    assert left() == 16


def test_trials_of_rule_2_spend_nothing_of_an_upgraded_lab_and_are_named(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=10, verify=10, policy=RULE_2)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert left() == 9
    set_policy(world, SEALED)
    assert left() == 18
    [budget] = budgets(lab_context())
    assert (budget.trials, budget.merges) == (0, 1)
    assert budget.earlier.startswith("Beside it 1 trial of an earlier rule. They have shown")
    assert luigi(world, "Ledger").code == 0
    assert budget.earlier in (world.lab / "index.html").read_text()


def test_neither_calls_nor_cost_say_how_many_sealed_plans_it_took(make_world: MakeWorld) -> None:
    world = make_world(train=10, verify=30, policy=SEALED)
    world.branch("better", {"prompt.txt": BETTER})
    said = luigi(world, "Iteration", "--branch", "better")
    assert said.code == 0, said.err
    made = world.record(1, "runs_verify")["calls_made"]
    assert 0 < made < 60
    shown = "20 made, 0 reused; at most 60 more on sealed plans"
    pull = json.loads((world.lab / "pulls/0001.json").read_text())["comments"][-1]["body"]
    assert shown in said.out
    assert shown in pull
    assert "without the sealed plans" in said.out
    assert "60 more on sealed plans" in (world.folder(1) / "report.html").read_text()
    assert "without the runs on sealed plans" in (world.lab / "index.html").read_text()
    assert luigi(world, "Reveal", "--number", "1", "--yes").code == 0
    assert f"{20 + made}<small>made" in (world.folder(1) / "report.html").read_text()


def test_what_a_judge_lacks_is_said_without_a_figure_of_sealed_plans(make_world: MakeWorld) -> None:
    judge = step(least_pairs=500)
    world = make_world(train=10, verify=30, policy=SEALED, step=judge, judges={"wise": SEES_RIGHT})
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.CONDITIONAL
    text = next(r.text for r in verdict.reasons if r.code == "violation")
    assert (
        "is not shown to agree with gold (on train and sealed plans together; it takes 500" in text
    )
    assert "kappa 1" not in text


def test_a_candidate_that_quotes_verify_plans_wins_no_race(make_world: MakeWorld) -> None:
    world = make_world(train=10, verify=30, policy=SEALED)
    text = (world.lab / "baseline/verify/plan_verify_003/invoice.txt").read_text()
    world.branch("leaks", {"prompt.txt": BETTER + text})
    world.branch("better", {"prompt.txt": BETTER})
    said = luigi(world, "Iteration", "--branch", "leaks", "--rivals", "better")
    assert said.code == 0, said.err
    assert world.verdict(1).outcome is Outcome.YES
    race = world.record(1, "race")
    assert race["best"] == "better"
    assert [bool(entry["leaked"]) for entry in race["entries"]] == [True, False]
    assert "leaks left out, it quotes verify plans" in said.out
    comment = json.loads((world.lab / "pulls/0001.json").read_text())["comments"][-1]["body"]
    assert "left out of the race" in comment
    assert luigi(world, "Replay").code == 0


def test_refs_that_moved_stop_it_before_a_sealed_plan_is_paid_for(make_world: MakeWorld) -> None:
    world = make_world(train=10, verify=30, policy=SEALED)
    world.branch("better", {"prompt.txt": BETTER})
    assert luigi(world, "Assessment", "--branch", "better").code == 0
    refs = {"refs/heads/main": ["1" * 40, "2" * 40]}
    note(lab_context().lab, REFS_MOVED, now=utc_now(), iteration=1, step="read_sum", refs=refs)
    assert luigi(world, "Iteration", "--branch", "better").code == 0
    assert world.verdict(1).outcome is Outcome.INVALID
    assert plans_run(world, "verify") == []
    assert confirmations(world) == []
    assert luigi(world, "Replay").code == 0
