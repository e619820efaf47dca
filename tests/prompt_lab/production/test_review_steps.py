"""A review on a lab with a month of traces: observed, detected, numbered, and ready for trials."""

import subprocess
from pathlib import Path

import pytest

from prompt_lab.experiments.challenge_files import erase_plans, read_set
from prompt_lab.names import Split
from prompt_lab.production.item_trials import plans_needed, why_untested
from prompt_lab.production.review_items import analyse, build_session, run_trials, session_id
from prompt_lab.production.review_measure import measure
from prompt_lab.production.review_run import detect, observe, resolve_review
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.reviews import ItemState, ItemType
from prompt_lab.store.prompt_verdicts import open_registry
from tests.prompt_lab.production.review_world import make_context, make_run


def test_the_steps_of_a_review_up_to_its_session(tmp_path: Path) -> None:
    run = make_run(make_context(tmp_path))
    observed = observe(run)
    assert observed.sessions > 20
    assert observed.average_cost_usd
    found = detect(run)
    assert {"repeated_blocks", "unused_tools"} <= {one.detector for one in found.findings}
    measured = measure(run)
    assert [one.prompt_id for one in measured.comparisons] == [PROMPT_ID]
    assert measured.rolled_back == ()
    analysis = analyse(run)
    assert [item.id for item in analysis.items] == list(range(1, len(found.findings) + 1))
    assert "switched off" in analysis.analyst.skipped
    [saving] = [item for item in analysis.items if item.detector == "repeated_blocks"]
    current = open_registry(run.context.lab).read_text(PROMPT_ID)
    assert saving.base_sha256 == digest_text(current)
    trials = run_trials(run)
    first = next(trials)
    assert (first.item, first.step) == (saving.id, "write_article") or first.item < saving.id
    assert next(run_trials(run)) == first, "a step that is run again finds the same iteration"
    meta = run.context.lab.iteration(first.number, first.step) / "meta.json"
    assert '"awaits_approval":true' in meta.read_text().replace(" ", "")
    trials.close()


def test_a_set_with_too_few_plans_leaves_items_untested_with_their_number(tmp_path: Path) -> None:
    run = make_run(make_context(tmp_path, harm_margin=0.01))
    observe(run)
    detect(run)
    measure(run)
    analyse(run)
    assert list(run_trials(run)) == []
    session = build_session(run)
    assert session.id == session_id(run)
    changes = [one for one in session.items if one.type is ItemType.PROMPT_CHANGE]
    assert changes
    for item in changes:
        assert item.state is ItemState.UNTESTED
        assert item.plans_missing > 200
        assert str(item.plans_missing) in item.note
        assert not item.deployable


def test_plans_accumulate_stay_out_of_git_and_an_erased_trace_takes_its_plan_along(
    tmp_path: Path,
) -> None:
    run = make_run(make_context(tmp_path))
    lab = run.context.lab
    subprocess.run(["git", "init", "-q", str(lab.root)], check=True)
    observe(run)
    detect(run)
    analyse(run)
    trials = run_trials(run)
    next(trials)
    trials.close()
    known = read_set(lab, PROMPT_ID)
    assert len(known.plans) == 40
    assert any(plan.reason for plan in known.plans)
    assert any(not plan.reason for plan in known.plans)
    status = ["git", "-C", str(lab.root), "status", "--porcelain", "--ignored=no", "-uall"]
    shown = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert "challenge_sets/" in shown
    assert "baseline/" not in shown
    [trace] = [t for t in run.traces.read(observe(run).window)][:1]
    everyone = [one.trace_id for one in run.traces.read(observe(run).window)]
    gone = erase_plans(lab, everyone, when=run.now)
    assert len(gone) == 40
    assert trace.trace_id not in read_set(lab, PROMPT_ID).model_dump_json()
    assert not [path for split in Split for path in lab.plans(split).glob("trace_*")]
    assert erase_plans(lab, everyone, when=run.now) == gone


def test_an_item_of_a_prompt_without_a_step_says_so(tmp_path: Path) -> None:
    run = make_run(make_context(tmp_path))
    observe(run)
    detect(run)
    [item] = [one for one in analyse(run).items if one.detector == "repeated_blocks"]
    why = why_untested(run.context, item.model_copy(update={"prompt_key": "other"}))
    assert why is not None
    assert "'other'" in why.reason


@pytest.mark.parametrize(("alpha", "needed"), [(0.04, 14), (0.001, 29)])
def test_the_plans_that_a_margin_needs(tmp_path: Path, alpha: float, needed: int) -> None:
    policy = make_context(tmp_path).policy("saving")
    assert plans_needed(policy, alpha) == needed


def test_the_review_of_a_day_is_the_newest_and_again_means_a_new_one(tmp_path: Path) -> None:
    lab = make_context(tmp_path).lab
    assert resolve_review(lab, "2026-02-14") == "2026-02-14_1"
    folder = lab.root / "reviews" / "2026-02-14_1"
    folder.mkdir(parents=True)
    assert resolve_review(lab, "2026-02-14", again=True) == "2026-02-14_1"
    (folder / "notified.json").write_text("{}")
    assert resolve_review(lab, "2026-02-14") == "2026-02-14_1"
    assert resolve_review(lab, "2026-02-14", again=True) == "2026-02-14_2"
    assert resolve_review(lab, "2026-02-15") == "2026-02-15_1"
