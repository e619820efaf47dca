"""Damage that comes while an iteration is under way: named, mended, and never silently wrong."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import HINT, PLAIN, READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
GOOD = PLAIN.replace("amount.", f"amount. {HINT}")
JOURNAL = b"\n".join(
    [
        b'{"event":"baseline_drifted"}',
        b"null",
        b'{"event":1}',
        b'{"event":"crashed","timestamp":[1],"model":{},"iteration":[2]}',
        b'{"event":"verify_read","timestamp":5,"iteration":[1]}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"event":"crashed","timest',
    ]
)
OTHER = "Something else altogether.\n[user]\n{invoice}\n"


def commit(world: World, branch: str, prompt: str) -> None:
    """One more commit on a branch; main stays checked out."""
    world.git("checkout", "-q", branch)
    (world.target / "prompt.txt").write_text(prompt)
    world.git("commit", "-q", "-a", "-m", "Meanwhile")
    world.git("checkout", "-q", "main")


def mend_model(world: World, alias: str, **script: Any) -> None:
    """Another script for a model."""
    path = world.root / f"configs/models/{alias}.yaml"
    config = yaml.safe_load(path.read_text())
    config["settings"]["extra"] = {**READS_WELL, **script}
    path.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "iter', b"\x00\xff"])
def test_a_damaged_run_is_made_again(make_world: MakeWorld, content: bytes) -> None:
    world = make_world(train=6, verify=6)
    assert luigi(world, "Runs").code == 0
    (world.folder(1) / "runs_train.json").unlink()
    runs = sorted(world.lab.glob("history/*/*/outputs/*/run.json"))
    runs[-1].write_bytes(content)
    said = luigi(world, "Verdict")
    assert said.code == 0
    assert "train runs: 1 to make" in said.err
    assert (runs[-1].parent / "attempts/0/run.json.damaged").read_bytes() == content
    assert (world.verdict(1).n_missing, world.verdict(1).n_pairs) == (0, 6)


def test_damaged_files_of_an_open_iteration_are_named_with_the_fix(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6)
    assert luigi(world, "Verdict").code == 0
    for name in ("verdict", "batch_train", "runs_train", "change", "meta"):
        path = world.folder(1) / f"{name}.json"
        whole = path.read_bytes()
        for content in (whole[: len(whole) // 2], b"\xff"):
            path.write_bytes(content)
            stops(luigi(world, "Conclude"), TASK, f"1_read_sum/{name}.json", "Restore it")
        path.write_bytes(whole)
    assert luigi(world, "Iteration").code == 0
    assert world.verdict(1).outcome is Outcome.YES


def test_damaged_files_of_a_concluded_iteration_come_back_from_the_labs_history(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6)
    assert luigi(world, "Iteration").code == 0
    for name in ("verdict.json", "conclusion.json", "change.json", "synthesis.md"):
        path = world.folder(1) / name
        path.write_bytes(path.read_bytes()[:40])
        fix = f"git -C {path.parent} checkout -- {name}"
        stops(luigi(world, "Implement"), TASK, str(path), fix)
        subprocess.run(fix.split(), check=True, capture_output=True)
    assert luigi(world, "Implement").code == 0


def test_corrupt_lines_of_the_journals_are_passed_over(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6)
    assert luigi(world, "Iteration").code == 0
    rows = ['{"key": "a", "path": "../../etc"}', '{"model": "exact", "step": "read_sum"}', "[]"]
    with (world.lab / "history/reusable.jsonl").open("ab") as file:
        file.write(b'{"key": 1\n\xff\n' + "\n".join(rows).encode() + b"\n")
    (world.lab / "journal.jsonl").write_bytes(JOURNAL)
    said = luigi(world, "Iteration", "--dry-run")
    assert said.code == 0, said.err
    assert "At most 12 calls" in said.out
    for path in world.lab.glob("history/*/*/*.jsonl"):
        path.write_bytes(b"\xff\n[]\n" + path.read_bytes()[:-9])
    world.branch("idea", {"prompt.txt": OTHER})
    said = luigi(world, "Iteration", "--branch", "idea")
    assert said.code == 0, said.err
    assert "Traceback" not in said.err
    assert luigi(world, "Ledger").code == 0


def test_a_loop_that_names_unknown_iterations_goes_on(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6)
    begun = world.lab / "loops/1_read_sum/begun.json"
    begun.parent.mkdir(parents=True)
    for content in ("", '{"version": 1, "loop"', '{"loop": 1, "iterations": "x"}'):
        begun.write_text(content)
        stops(luigi(world, "Loop", "--iterations", "1"), TASK, "1_read_sum/begun.json", "remove it")
    state = {"loop": 1, "step": "read_sum", "created": "", "iterations": [99, 0, -1]}
    begun.write_text(json.dumps(state))
    said = luigi(world, "Loop", "--iterations", "1")
    assert said.code == 0, said.err
    assert "Traceback" not in said.err
    assert (world.folder(1) / "summary.txt").exists()


@pytest.mark.parametrize("until", ["Runs", "Verdict"])
def test_a_branch_that_moved_since_its_runs_is_invalid(make_world: MakeWorld, until: str) -> None:
    world = make_world(train=6, verify=6)
    world.branch("idea", {"prompt.txt": GOOD})
    assert luigi(world, until, "--branch", "idea").code == 0
    main = world.git("rev-parse", "main")
    commit(world, "idea", GOOD + "Really.\n")
    said = luigi(world, "Iteration")
    assert said.code == 0
    assert world.verdict(1).outcome is Outcome.INVALID
    reasons = {reason.code: reason.text for reason in world.verdict(1).reasons}
    assert "with --pr 1" in reasons[Code.HEAD_MOVED]
    assert world.record(1, "conclusion")["action"] == "left open"
    assert world.git("rev-parse", "main") == main
    assert luigi(world, "Implement", "--pr", "1").code == 0
    assert world.record(2, "change")["commit"] == world.git("rev-parse", "idea")


def test_a_merge_that_conflicts_waits_for_the_person(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6)
    assert luigi(world, "Verdict").code == 0
    commit(world, "main", OTHER)
    for _ in range(2):
        stops(luigi(world, "Iteration"), TASK, "YES, but #1", "conflicts with main", "prompt.txt")
        assert not (world.folder(1) / "conclusion.json").exists()
    world.git("revert", "--no-edit", "HEAD")
    assert luigi(world, "Iteration").code == 0
    assert HINT in world.git("show", "main:prompt.txt")


def test_the_advice_after_a_conflict_leads_to_a_merge(make_world: MakeWorld) -> None:
    world = make_world(train=6, verify=6)
    world.branch("idea", {"prompt.txt": GOOD})
    assert luigi(world, "Verdict", "--branch", "idea").code == 0
    commit(world, "main", OTHER)
    stops(luigi(world, "Iteration"), TASK, "run the same command again: it ends", "with --pr 1")
    world.git("checkout", "-q", "idea")
    world.git("merge", "-q", "-s", "ours", "main")
    world.git("checkout", "-q", "main")
    assert luigi(world, "Iteration").code == 0
    assert world.verdict(1).outcome is Outcome.INVALID
    assert luigi(world, "Iteration", "--pr", "1").code == 0
    assert world.record(2, "conclusion")["action"] == "merged"
    assert HINT in world.git("show", "main:prompt.txt")


@pytest.mark.parametrize("fail", ["garbage", "nothing", "refused"])
def test_a_model_without_one_usable_answer_is_a_crash_and_no_verdict(
    make_world: MakeWorld, fail: str
) -> None:
    world = make_world(models={"m": scripted({**READS_WELL, "fail": fail})}, train=6, verify=6)
    stops(
        luigi(world, "Iteration"),
        TASK,
        "None of 12 answers of m",
        "configs/models",
        "give-up --number 1",
    )
    assert not (world.folder(1) / "runs_train.json").exists()
    mend_model(world, "m")
    said = luigi(world, "Iteration")
    assert said.code == 0
    assert "train runs: 12 to make" in said.err
    assert (world.folder(1) / "summary.txt").exists()


@pytest.mark.parametrize("fail", ["outside", "never"])
def test_a_server_that_is_away_costs_no_finished_run(make_world: MakeWorld, fail: str) -> None:
    script = {**READS_WELL, "fail": fail, "fail_when": "Invoice 9002"}
    model = scripted(script, timeout_seconds=0.05, workers=4)
    world = make_world(models={"far": model}, train=6, verify=6)
    said = luigi(world, "Iteration")
    stops(said, TASK, "2 of 8 runs could not be made", "far", "the same command makes the rest")
    mend_model(world, "far")
    said = luigi(world, "Iteration")
    assert said.code == 0
    assert "train runs: 2 to make" in said.err
    assert world.verdict(1).outcome is Outcome.YES
