"""Old verdicts from their raw rows: bit for bit, after a change of policy, and tampered with."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from pipeline.tasks.iteration import Verdict
from pipeline.wiring import lab_context
from prompt_lab.decide.verdict import Code
from prompt_lab.evaluate.challenge_sets import ChallengePlan, ChallengeSet
from prompt_lab.experiments.challenge_files import erase_plans
from prompt_lab.experiments.decision import decide_iteration
from prompt_lab.experiments.pages import ledger_entries
from prompt_lab.experiments.trials import trial_of
from prompt_lab.names import Outcome, Split
from prompt_lab.store.files import write_record
from tests.pipeline.finished_worlds import CopyWorld, make_improved
from tests.pipeline.terminal import luigi
from tests.pipeline.world import (
    HINT,
    PLAIN,
    READS_FIRST,
    READS_LOOSELY,
    READS_WELL,
    World,
    scripted,
)

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
WHEN = "2026-03-07T00:00:00.000Z"


def _policy(world: World, name: str, **values: object) -> None:
    path = world.root / "configs/policies" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(values))


def test_a_replay_is_identical_and_stays_so_when_the_policy_is_changed(
    copy_world: CopyWorld,
) -> None:
    world = copy_world(make_improved)
    world.branch("bad", {"prompt.txt": PLAIN})
    assert world.iterate(branch="bad")
    said = luigi(world, "Replay")
    assert (said.code, "2 verdicts" in said.out) == (0, True), said.err
    assert "1: identical (YES)\n2: identical (NO)" in said.out
    _policy(world, "default", mode="fixed", alpha=0.001, max_plans=12)
    assert luigi(world, "Replay", "--number", "1").code == 0


def test_a_replay_names_the_plans_of_erased_traces(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    context, name = (
        lab_context(),
        sorted(path.name for path in (world.lab / "baseline/train").iterdir())[0],
    )
    plan = ChallengePlan(
        name=name, split=Split.TRAIN, digest="d", source=sha256(b"t1").hexdigest(), added=WHEN
    )
    write_record(
        world.lab / "challenge_sets/writer.json", ChallengeSet(name="writer", entries=(plan,))
    )
    assert erase_plans(context.lab, ["t1"], when=WHEN) == [name]
    assert not (world.lab / "baseline/train" / name).exists()
    said = luigi(world, "Replay")
    assert "1: differs" in said.out, "the rows of the plan are gone, and that is said"
    assert "n_plans: 12 -> 11" in said.out
    assert f"1 plan erased since, with inputs and answers: {name!r} (2026-03-07)" in said.out
    assert "were changed" not in said.out


def test_a_failed_guard_is_first_everywhere_and_verdicts_of_the_earlier_order_replay(
    make_world: MakeWorld,
) -> None:
    world = make_world(models={"exact": scripted(READS_WELL), "loose": scripted(READS_LOOSELY)})
    world.branch("better", {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}")})
    assert world.iterate(branch="better")
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.CONDITIONAL
    assert [r.code for r in verdict.reasons[:2]] == [Code.VALIDITY_LOWER, Code.BETTER]
    says = "Guard 'validity' failed: Valid answers"
    folder = world.lab / "analysis/1_read_sum"
    assert says in (folder / "summary.txt").read_text().splitlines()[1]
    pull = json.loads((world.lab / "pulls/0001.json").read_text())
    assert pull["comments"][0]["body"].splitlines()[2].startswith(says)
    (entry,) = ledger_entries(lab_context())
    assert entry.why.startswith(says)

    earlier, _ = decide_iteration(
        Verdict(number=1, step=entry.step).experiment, order="finding_first"
    )
    assert [r.code for r in earlier.reasons[:2]] == [Code.BETTER, Code.VALIDITY_LOWER]
    text = earlier.model_dump_json(indent=2, exclude={"reason_order"}) + "\n"
    (folder / "verdict.json").write_text(text)
    said = luigi(world, "Replay")
    assert (said.code, "1: identical (CONDITIONAL)" in said.out) == (0, True), said.out
    assert ledger_entries(lab_context())[0].why.startswith(says)


def test_a_verdict_from_before_rules_had_a_version_replays_under_the_first_one(
    copy_world: CopyWorld,
) -> None:
    world = copy_world(make_improved)
    assert (world.verdict(1).rule_version, rule_of(world)) == (2, 2)
    for name in ("meta", "runs_train", "verdict"):
        remove_version(world.folder(1) / f"{name}.json")
    assert rule_of(world) == 1
    said = luigi(world, "Replay")
    assert (said.code, "1: identical (YES)" in said.out) == (0, True), said.err
    (world.folder(1) / "verdict.json").unlink()
    assert rule_of(world) == 1  # as its looks were taken
    (world.folder(1) / "runs_train.json").unlink()
    assert rule_of(world) == 2


def remove_version(path: Path) -> None:
    record = json.loads(path.read_text())
    record.pop("rule_version", None)
    (record.get("judged_by") or {}).pop("rule_version", None)
    path.write_text(json.dumps(record, indent=2) + "\n")


def rule_of(world: World) -> int:
    return trial_of(Verdict(number=1, step="read_sum").experiment).policy.rule_version


def test_another_policy_lists_the_verdicts_that_would_differ(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    _policy(world, "harsh", mode="anytime", verify_alpha=0.0001)
    _policy(world, "wide", mode="fixed", verify="required", model_margin=None)
    said = luigi(world, "Replay", "--policy", "wide")
    assert (said.code, "0 of 1 verdicts would differ" in said.out) == (0, True), said.err
    said = luigi(world, "Replay", "--policy", "harsh")
    assert (said.code, "1: YES -> CONDITIONAL" in said.out) == (0, True), said.out
    said = luigi(world, "Replay", "--policy", "none")
    assert said.code != 0
    assert "Unknown policy 'none'" in said.err


def test_a_row_that_was_changed_is_found(make_world: MakeWorld) -> None:
    world = make_world(models={"stubborn": scripted(READS_FIRST)})
    assert world.iterate()
    run = next((world.lab / "history").rglob("run.json"))
    record = json.loads(run.read_text())
    run.write_text(json.dumps({**record, "primary": 0.5}))
    said = luigi(world, "Replay", "--number", "1")
    assert said.code != 0
    assert "1: differs" in said.out
    assert "fingerprint" in said.out


def test_a_verdict_that_is_lost_is_named_by_replay_and_ledger(make_world: MakeWorld) -> None:
    world = make_world(models={"stubborn": scripted(READS_FIRST)})
    assert world.iterate()
    path = next((world.lab / "analysis").glob("1_*/verdict.json"))
    aside = world.lab / "analysis" / "2_read_sum.bak"
    aside.mkdir()
    (aside / "verdict.json").write_bytes(path.read_bytes())
    path.write_bytes(path.read_bytes()[:100])
    said = luigi(world, "Replay")
    assert said.code != 0
    assert "1: its verdict.json is missing or damaged: git -C " in said.out
    assert "2: cannot be computed again: Unknown step 'read_sum.bak'" in said.out
    assert "2 of 2 stored verdicts" in said.err
    assert luigi(world, "Ledger").code == 0
    assert "missing or damaged. git -C " in (world.lab / "irregular.md").read_text()


def test_a_lab_without_a_verdict_says_so(make_world: MakeWorld) -> None:
    world = make_world()
    said = luigi(world, "Replay")
    assert said.code != 0
    assert "no verdict there to replay" in said.err
    assert "give an iteration's number, or all" in luigi(world, "Replay", "--number", "x").err
