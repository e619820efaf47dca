"""The whole DAG on models that follow rules: every verdict, and what a rerun costs."""

import json
import subprocess
from collections.abc import Callable

import pytest

from pipeline.wiring import lab_context
from prompt_lab.experiments.past import known_modes
from prompt_lab.names import Outcome
from tests.pipeline.finished_worlds import CopyWorld, make_improved
from tests.pipeline.model_server import ModelServer, reads_right, reads_well
from tests.pipeline.terminal import luigi
from tests.pipeline.world import HINT, PLAIN, READS_FIRST, SCHEMA, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


def test_a_better_prompt_is_merged_after_its_verdict_is_a_comment(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.YES
    assert verdict.effect == pytest.approx(1.0)
    assert world.record(1, "change")["strategy"] == "align_with_schema"
    assert HINT in world.git("show", "main:prompt.txt")
    pull = json.loads((world.lab / "pulls/0001.json").read_text())
    events = [event["what"] for event in pull["history"]]
    assert events.index("commented") < events.index("merged")
    assert "YES" in pull["comments"][0]["body"]
    for name in ("meta", "change", "verdict", "conclusion", "runs_train", "runs_verify"):
        assert world.record(1, name)
    for name in ("insight_metrics.md", "code_metrics.md", "synthesis.md", "assessment.md"):
        assert (world.folder(1) / name).stat().st_size > 200
    assert "YES" in (world.folder(1) / "report.html").read_text()
    assert "analysis/1_read_sum/report.html" in (world.lab / "index.html").read_text()


def test_the_next_iteration_starts_from_the_synthesis_and_reuses_runs(
    copy_world: CopyWorld,
) -> None:
    world = copy_world(make_improved)
    assert world.iterate()
    change, runs = world.record(2, "change"), world.record(2, "runs_train")
    assert change["source"] == "analysis/1_read_sum/synthesis.md"
    assert change["base_commit"] == world.record(1, "conclusion")["merged_commit"]
    judged = world.train - len(change["shown"])
    assert (runs["runs_reused"], runs["calls_made"]) == (judged, judged)


def test_a_finished_iteration_makes_no_call_and_changes_nothing(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    before = {p: p.stat().st_mtime_ns for p in world.folder(1).rglob("*")}
    rows = (world.lab / "history/reusable.jsonl").read_text()
    assert world.iterate(number=1)
    assert {p: p.stat().st_mtime_ns for p in world.folder(1).rglob("*")} == before
    assert (world.lab / "history/reusable.jsonl").read_text() == rows


def test_a_worse_prompt_is_closed_and_main_stays(make_world: MakeWorld) -> None:
    world = make_world()
    main = world.git("rev-parse", "main")
    good = PLAIN.replace("amount.", f"amount. {HINT}")
    world.branch("good", {"prompt.txt": good})
    assert world.iterate(branch="good")
    assert world.verdict(1).outcome is Outcome.YES
    merged = world.git("rev-parse", "main")
    assert merged != main
    for named in (("--branch", "good"), ("--pr", "1")):
        again = luigi(world, "Iteration", *named)
        assert (again.code, "iteration 1: YES, merged" in again.err) == (30, True), again.err
    world.branch("bad", {"prompt.txt": PLAIN})
    assert world.iterate(branch="bad")
    assert world.verdict(2).outcome is Outcome.NO
    assert world.record(2, "conclusion")["action"] == "closed"
    assert world.git("rev-parse", "main") == merged


def test_a_change_that_the_step_never_reads_is_invalid_and_costs_nothing(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    main = world.git("rev-parse", "main")
    world.branch("docs", {"README.md": "A shop. # says nothing new\n"})
    assert world.iterate(branch="docs")
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reasons[0].code == "not_exercised"
    assert world.record(1, "runs_train")["calls_made"] == 0
    assert world.record(1, "conclusion")["action"] == "left open"
    assert world.git("rev-parse", "main") == main


@pytest.mark.parametrize("harm", ["other commit", "dirty tree"])
def test_a_worktree_that_is_not_the_commit_is_invalid_once(
    make_world: MakeWorld, harm: str
) -> None:
    world = make_world()
    commit = world.branch("good", {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}")})
    tree = lab_context().workspace("shop").worktree(commit)
    if harm == "other commit":
        subprocess.run(["git", "checkout", "-q", "HEAD~1"], cwd=tree, check=True)
    else:
        (tree / "prompt.txt").write_text("Say 7.\n")
    assert world.iterate(branch="good")
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.INVALID
    codes = {reason.code.value for reason in verdict.reasons}
    wanted = {"other commit": "wrong_commit", "dirty tree": "dirty_tree"}[harm]
    assert {wanted, "blob_mismatch", "prompt_mismatch"} <= codes
    assert not world.record(1, "conclusion")["merged_commit"]
    # The next trial begins with the commit as it is.
    assert world.iterate(branch="good")
    assert world.verdict(2).outcome is Outcome.YES
    assert lab_context().workspace("shop").observe(tree) == (commit, True)


def test_no_difference_is_no_yes(make_world: MakeWorld) -> None:
    world = make_world(models={"stubborn": scripted(READS_FIRST)})
    assert world.iterate()
    assert world.verdict(1).outcome is not Outcome.YES
    assert "runs_verify.json" not in {p.name for p in world.folder(1).iterdir()}


def test_a_drifted_baseline_is_invalid_and_made_anew_next_time(make_world: MakeWorld) -> None:
    with ModelServer() as server:
        world = make_world(models={"warm": server.config(deterministic=False)})
        world.branch("one", {"prompt.txt": PLAIN.replace("the amount", "this amount")})
        assert world.iterate(branch="one")
        server.behaviour = reads_right  # what stands behind the model's name has changed
        world.branch("two", {"prompt.txt": PLAIN.replace("Extract", "Read")})
        assert world.iterate(branch="two")
        assert world.verdict(2).outcome is Outcome.INVALID
        codes = {r.code.value for r in world.verdict(2).reasons}
        assert "baseline_drifted" in codes
        world.branch("three", {"prompt.txt": PLAIN.replace("Extract", "Find")})
        assert world.iterate(branch="three")
        assert world.record(3, "runs_train")["runs_reused"] == 0
        assert world.verdict(3).outcome is not Outcome.INVALID


def test_no_merge_rests_on_what_a_sampled_model_said_another_day(make_world: MakeWorld) -> None:
    """Some plans have become easier since: too few probes see it, and the candidate looks good."""

    def easier(system: str, user: str) -> str:
        return reads_right(system, user) if int(user.split()[1]) % 2 else reads_well(system, user)

    with ModelServer() as server:
        warm = server.config(deterministic=False)
        world = make_world(models={"warm": warm}, train=40, policy={"max_plans": 40})
        world.branch("one", {"prompt.txt": PLAIN.replace("the amount", "this amount")})
        assert world.iterate(branch="one")
        server.behaviour = easier
        world.branch("two", {"prompt.txt": PLAIN.replace("Extract", "Read")})
        assert world.iterate(branch="two")
    verdict, runs = world.verdict(2), world.record(2, "runs_train")
    assert (verdict.outcome, verdict.effect) == (Outcome.NO, 0.0)
    assert (runs["runs_reused"], runs["calls_made"], runs["drifted"]) == (0, 80, {})


def test_a_change_of_the_schema_alone_is_judged(make_world: MakeWorld) -> None:
    world = make_world()
    longer = {**SCHEMA, "description": "What an invoice asks for."}
    world.branch("schema", {"schema.json": json.dumps(longer)})
    assert world.iterate(branch="schema")
    assert world.verdict(1).outcome is not Outcome.INVALID


def test_known_failure_modes_grow_by_iterations_and_not_by_invalid_ones(
    make_world: MakeWorld,
) -> None:
    world = make_world(models={"stubborn": scripted(READS_FIRST)})
    assert world.iterate()
    known = known_modes(lab_context().lab, "read_sum")
    assert known.iterations == (1,)
    [mode] = [mode for mode in known.modes if mode.kind == "field"]
    assert mode.about == "amount"
    assert all("history/" in part for part in mode.evidence)
    assert world.iterate()
    page = (world.folder(2) / "insight_metrics.md").read_text()
    assert "## Known before this iteration" in page
    world.branch("docs", {"README.md": "A shop. # says nothing new\n"})
    assert world.iterate(branch="docs")
    assert world.verdict(3).outcome is Outcome.INVALID
    grown = known_modes(lab_context().lab, "read_sum")
    assert grown.iterations == (1, 2)
    assert {m.key: m.seen for m in grown.modes}[mode.key] == (1, 2)
    synthesis = (world.folder(2) / "synthesis.md").read_text()
    assert "## Known failure modes" in synthesis
    assert "iterations 1, 2" in synthesis
