"""The optimizer on a simulated clock: when it works, what it proposes, and how a round ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.errors import LabError
from prompt_lab.names import Outcome
from prompt_lab.promptops.canary import (
    CanaryCandidate,
    read_canary,
    running_canaries,
    start_canary,
)
from prompt_lab.promptops.consume import consume
from prompt_lab.promptops.decision import decide_round
from prompt_lab.promptops.idle import (
    DayUse,
    MachineState,
    find_last_user_call,
    read_switch,
    set_switch,
)
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.rounds import (
    GATED,
    find_open_round,
    list_rounds,
    note_attempt,
    rounds_folder,
    use_of_day,
)
from prompt_lab.promptops.schedule import next_step, why_stop
from prompt_lab.promptops.worker import propose
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.store.prompt_guard import PromotionReason
from tests.prompt_lab.promptops.worlds import EDITOR, ServiceWorld, at

IDLE = MachineState(0.1, "")
GAIN = {"structure": 0.4, "evidence_contract": -0.2, "expand": 0.0}
CANARY = {"share": 0.5, "least_units": 20, "most_calls": 120, "alpha": 0.05}


def make_world(root: Path, success: float = 0.5, **options: Any) -> ServiceWorld:
    """One weak prompt and 100 calls of it."""
    given: dict[str, Any] = {"gain": GAIN, "canary": CANARY, **options}
    world = ServiceWorld(root / "lab", {"orders": success}, **given)
    world.serve(1.0, 100)
    return world


def make_round(world: ServiceWorld, hours: float) -> str:
    """A round up to its trial."""
    run = world.run_at(hours)
    name = next_step(run, IDLE).round
    assert name
    propose(run, name, world.trials.prepare)
    assert world.trials.finish(run, name)
    return name


def test_a_weak_prompt_gets_several_tagged_variants_and_a_trial(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    run = world.run_at(1.1)
    found = propose(run, next_step(run, IDLE).round, world.trials.prepare)
    assert found.prompt_id == "orders"
    assert "of 100 calls" in found.weakness
    assert len({one.provenance.operator for one in found.sound}) == 3
    assert all(one.provenance.parent in world.trials.truth for one in found.candidates)
    assert found.challenge_set
    assert found.most_calls == 300


def test_a_round_made_again_proposes_the_same(tmp_path: Path) -> None:
    proposed = []
    for folder in ("a", "b"):
        world = make_world(tmp_path / folder)
        found = propose(world.run_at(1.1), "2026-03-02_1", world.trials.prepare)
        proposed.append(found)
    assert proposed[0] == proposed[1]


def test_a_healthy_prompt_is_left_alone(tmp_path: Path) -> None:
    step = next_step(make_world(tmp_path, 0.97).run_at(1.1), IDLE)
    assert not step.round
    assert step.text.startswith("Nothing to improve")


def test_a_winner_is_promoted_after_its_canary(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    name = make_round(world, 1.1)
    assert decide_round(world.run_at(1.2), name).decision == "canary"
    before = world.registry.read_current()[0]
    world.serve(2.0, 200)
    consume(world.run_at(2.1))
    canary = read_canary(world.context.lab, "orders")
    assert canary is not None
    assert (canary.state, canary.trial_plans, canary.trial_alpha) == ("passed", 40, 0.002)
    snapshot, current = world.registry.read_current()
    assert snapshot != before
    assert current.prompts["orders"] == canary.candidate
    row = world.registry.files.read_pointer()
    assert row is not None
    assert row.kind is PromotionKind.PROMOTE
    assert world.trials.verdicts[row.verdicts["orders"]].outcome is Outcome.YES


def test_a_loser_stays_in_review_with_its_code(tmp_path: Path) -> None:
    world = make_world(tmp_path, gain={})
    gated = decide_round(world.run_at(1.2), make_round(world, 1.1))
    assert gated.decision == "in review"
    assert gated.codes == ("not_yes",)
    assert not running_canaries(world.context.lab)
    states = sorted((world.context.lab.root / "promptops" / "candidates").glob("*.json"))
    assert len(states) == 3
    assert {json.loads(path.read_text())["state"] for path in states} == {"in review"}


def test_a_winner_that_takes_longer_than_the_budget_stays_in_review(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    world.trials.seconds = (4.0, 6.0)
    gated = decide_round(world.run_at(1.2), make_round(world, 1.1))
    assert (gated.decision, gated.codes) == ("in review", ("latency_regression",))
    assert not running_canaries(world.context.lab)


def test_thumbs_for_its_very_text_keep_a_winner_in_review(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    name = make_round(world, 1.1)
    tried = json.loads((rounds_folder(world.context.lab) / name / "tried.json").read_text())
    row = next(world.store.since(""))
    down = {"variant": tried["candidate"], "feedback": "down"}
    world.store.add(row.model_copy(update=down | {"trace": f"x{n}"}) for n in range(40))
    gated = decide_round(world.run_at(1.2), name)
    assert gated.codes == ("feedback_contradicts",)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (MachineState(0.1, at(1.05)), "a user asked"),
        (MachineState(1.5, ""), "the load is 1.50"),
    ],
    ids=["user", "load"],
)
def test_an_active_user_or_a_busy_machine_keeps_it_waiting(
    tmp_path: Path, machine: MachineState, words: str
) -> None:
    run = make_world(tmp_path).run_at(1.1)
    step = next_step(run, machine)
    assert not step.round
    assert words in step.text
    assert next_step(run, machine, waits=False).round


def test_an_hour_after_the_last_call_it_works(tmp_path: Path) -> None:
    assert next_step(make_world(tmp_path).run_at(2.1), MachineState(0.1, at(1.1))).round


def test_the_last_call_of_a_user_is_read_from_the_metric_rows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert find_last_user_call(path) == ""
    rows = [
        {"type": "promptops.prepare_prompt", "ts": at(1), "task_class": "orders"},
        {"type": "promptops.prepare_prompt", "ts": at(5), "task_class": "analyst"},
        {"type": "promptops.model_interaction", "ts": at(6), "task_class": "orders"},
    ]
    path.write_text("torn {\n" + "\n".join(map(json.dumps, rows)) + "\n")
    assert find_last_user_call(path) == at(1)


def test_switched_off_it_starts_nothing_and_ends_a_round_under_way(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    lab = world.context.lab
    assert why_stop(world.context, at(1.1)) == ""
    set_switch(lab, enabled=False, actor="ann", reason="a release", when=at(1.1))
    assert "'ann': a release" in next_step(world.run_at(1.2), IDLE).text
    assert "'ann': a release" in why_stop(world.context, at(1.2))


def test_config_switches_it_off_while_it_works(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    path = world.context.configs / "lab.yaml"
    assert why_stop(world.context, at(1.1)) == ""
    own = path.read_text().replace("promptops:", "promptops:\n  optimizer: {enabled: false}", 1)
    (world.context.lab.root / "lab.yaml").write_text(own)
    assert "promptops.optimizer.enabled" in why_stop(world.context, at(1.1))


def test_a_disabled_optimizer_keeps_ingestion(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    lab = world.context.lab
    set_switch(lab, enabled=False, actor="ann", reason="a release", when=at(1.1))
    (lab.root / "promptops" / "metrics.jsonl").write_text(
        json.dumps(
            {
                "type": "promptops.model_interaction",
                "ts": at(1.1),
                "trace": "from a file",
                "prompt_id": "orders",
                "success": True,
            }
        )
        + "\n"
    )
    consume(world.run_at(1.2))
    found = world.store.find("from a file")
    assert found is not None
    assert found.success is True
    assert not list_rounds(lab)


def test_after_switching_on_again_set_and_gate_are_asked_again(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    lab = world.context.lab
    decide_round(world.run_at(1.2), make_round(world, 1.1))
    open_name = "2026-03-02_9"
    folder = rounds_folder(lab) / open_name
    folder.mkdir()
    (folder / "proposed.json").write_text(
        (rounds_folder(lab) / "2026-03-02_1" / "proposed.json").read_text()
    )
    set_switch(lab, enabled=False, actor="ann", reason="a release", when=at(1.3))
    set_switch(lab, enabled=True, actor="ann", reason="done", when=at(1.4))
    assert read_switch(lab).enabled
    consume(world.run_at(1.5))
    canary = read_canary(lab, "orders")
    assert canary is not None
    assert (canary.state, canary.reasons) == ("withdrawn", ("switched",))
    world.serve(1.6, 100)
    assert next_step(world.run_at(1.7), IDLE).round not in ("", open_name)
    assert json.loads((folder / GATED).read_text())["decision"] == "withdrawn"


def test_a_provider_that_is_down_is_asked_ever_more_rarely(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    run = world.run_at(1.1)
    name = next_step(run, IDLE).round
    propose(run, name, world.trials.prepare)
    folder = rounds_folder(world.context.lab) / name
    waits = []
    for hours in (1.1, 1.2, 1.4):
        note_attempt(folder, "began", at(hours))
        waits.append(next_step(world.run_at(hours + 0.01), IDLE).text[-10:])
    assert waits == ["01:11 UTC.", "01:22 UTC.", "01:44 UTC."]
    assert next_step(world.run_at(3.0), IDLE).round == name


def test_an_attempt_that_was_stopped_for_a_user_is_no_failure(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    run = world.run_at(1.1)
    name = next_step(run, IDLE).round
    propose(run, name, world.trials.prepare)
    folder = rounds_folder(world.context.lab) / name
    note_attempt(folder, "began", at(1.1))
    note_attempt(folder, "stopped", at(1.11), "a user asked")
    assert next_step(world.run_at(1.12), IDLE).round == name
    assert use_of_day(world.context.lab, "2026-03-02") == DayUse(300, 0.0, 0)


def test_the_budget_of_a_day_ends_its_work(tmp_path: Path) -> None:
    world = make_world(tmp_path, gain={}, optimizer={"calls_per_day": 299})
    run = world.run_at(1.1)
    name = next_step(run, IDLE).round
    with pytest.raises(LabError, match="calls_per_day"):
        propose(run, name, world.trials.prepare)
    assert not find_open_round(world.context.lab)


def test_a_canary_of_a_person_without_verdict_is_never_promoted(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    run = world.run_at(1.1)
    text = world.texts["orders"] + "Say where each number comes from.\n"
    better = CanaryCandidate("orders", text, forced_by="ann: try it")
    canary = start_canary(run.live_traffic, better, seed=3, now=at(1.1))
    world.trials.truth[canary.candidate] = 0.95
    before = world.registry.read_current()[0]
    world.serve(2.0, 200)
    consume(world.run_at(2.1))
    ended = read_canary(world.context.lab, "orders")
    assert ended is not None
    assert (ended.state, ended.reasons) == ("passed", ("no_verdict",))
    assert world.registry.read_current()[0] == before


def test_a_bad_candidate_that_was_forced_is_aborted(tmp_path: Path) -> None:
    world = make_world(tmp_path, 0.9)
    run = world.run_at(1.1)
    text = world.texts["orders"] + "Answer with the weather.\n"
    worse = CanaryCandidate("orders", text, forced_by="ann: try it")
    canary = start_canary(run.live_traffic, worse, seed=3, now=at(1.1))
    world.trials.truth[canary.candidate] = 0.3
    world.serve(2.0, 200)
    consume(world.run_at(2.1))
    ended = read_canary(world.context.lab, "orders")
    assert ended is not None
    assert (ended.state, ended.reasons) == ("aborted", ("canary_worse",))
    assert [row["event"] for row in read_journal(world.context.lab)][-1] == "canary_aborted"


def test_what_a_person_changes_meanwhile_stands(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    decide_round(world.run_at(1.2), make_round(world, 1.1))
    own = world.texts["orders"] + "Say please.\n"
    world.registry.force("orders", own, PromotionReason(EDITOR, "my own", at(1.3)))
    world.trials.truth[world.registry.read_current()[1].prompts["orders"]] = 0.1
    world.serve(2.0, 200)
    consume(world.run_at(2.1))
    ended = read_canary(world.context.lab, "orders")
    assert ended is not None
    assert ended.reasons == ("superseded",)
    assert world.registry.read_text("orders") == own


def test_a_promotion_that_turns_out_worse_rolls_itself_back(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    decide_round(world.run_at(1.2), make_round(world, 1.1))
    first = world.registry.read_current()[0]
    world.serve(2.0, 200)
    consume(world.run_at(2.1))
    promoted = world.registry.read_current()[1].prompts["orders"]
    world.trials.truth[promoted] = 0.05
    world.serve(3.0, 200)
    lines = consume(world.run_at(3.1))
    assert any(line.startswith("Rolled back: 'orders'") for line in lines)
    assert world.registry.read_current()[0] == first
