"""What a finished run leaves beside its outputs."""

import json
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.names import Side, Split, Status
from prompt_lab.records import ProcessRecord, RunError, RunRecord, SentEvidence, Usage
from prompt_lab.store.batch import Batch, PlannedRun
from prompt_lab.store.duplicates import duplicate_cost
from prompt_lab.store.files import create_record, read_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.runs import finish, start

NOW = "2026-01-02T03:04:05.000Z"


def record(**more: Any) -> RunRecord:
    given: dict[str, Any] = {
        "iteration": 0,
        "step": "levers",
        "split": Split.TRAIN,
        "side": Side.BASELINE,
        "model": "m",
        "plan": "p",
        "replicate": 0,
        "status": Status.OK,
        "scores": {},
        "primary": 0.0,
        "valid": True,
        "usage": Usage(calls=3, calls_succeeded=2),
        "sent": SentEvidence(
            wanted_commit="c", head="c", tree_clean=True, files={}, prompt_sha256=""
        ),
        "content_key": "k",
        "answered_by": "m",
        "started": NOW,
        "ended": NOW,
        "duration_seconds": 1.0,
    }
    return RunRecord.model_validate(given | more)


def finished(lab: Lab, made: RunRecord) -> list[dict[str, Any]]:
    """The events of its folder."""
    folder = lab.run_folder(7, "levers")
    finish(lab, start(folder, made.plan, now=NOW), made)
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("said", "error", "recovered"),
    [
        ({"faults": ["one call failed"]}, None, True),
        ({"faults": []}, None, False),
        ({}, None, False),
        ({"faults": ["all calls failed"]}, RunError(kind="none", message="x"), False),
    ],
)
def test_a_partial_recovery_is_an_event(
    tmp_path: Path, said: dict[str, Any], error: RunError | None, recovered: bool
) -> None:
    events = finished(Lab(tmp_path), record(process=ProcessRecord(said=said), error=error))
    partial = [event for event in events if event["event"] == "partial_recovery"]
    assert bool(partial) == recovered
    assert all(event["calls_succeeded"] == 2 for event in partial)


def test_only_a_run_with_a_content_key_is_taken_over(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    finished(lab, record(content_key=""))
    assert not lab.reusable.exists()
    finished(lab, record(plan="q"))
    assert json.loads(lab.reusable.read_text())["key"] == "k"


def test_of_two_processes_that_made_the_same_run_the_first_wins_and_both_are_paid(
    tmp_path: Path,
) -> None:
    lab = Lab(tmp_path)
    folder = lab.run_folder(7, "levers")
    first = record()
    second = first.model_copy(update={"usage": Usage(calls=3, cost_usd=0.25), "primary": 0.0})
    out = start(folder, first.plan, now=NOW)
    finish(lab, out, first)
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    finish(lab, out, second)
    assert {path: path.read_bytes() for path in before} == before
    run = PlannedRun(
        side=first.side,
        model=first.model,
        plan=first.plan,
        replicate=0,
        path=lab.relative(out),
        content_key="",
    )
    batch = Batch(name="train", split=first.split, commits={}, runs=(run, run))
    assert duplicate_cost(lab, batch) == (3, 0.25)
    with pytest.raises(StoreError, match="never made again"):
        start(folder, first.plan, now=NOW)
    assert {path: path.read_bytes() for path in before} == before


def test_a_record_is_created_once(tmp_path: Path) -> None:
    path, made = tmp_path / "run.json", record()
    assert create_record(path, made)
    assert not create_record(path, made.model_copy(update={"plan": "other"}))
    assert read_record(path, RunRecord) == made
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("usage_files", "process", "expected"),
    [
        (True, None, {"run.json", "usage_metrics.jsonl", "activity_overview.json"}),
        (False, None, {"run.json"}),
        (False, ProcessRecord(), {"run.json", "usage_metrics.jsonl", "activity_overview.json"}),
    ],
)
def test_the_usage_files_of_the_original_tool_are_left_out_unless_asked_for(
    tmp_path: Path, usage_files: bool, process: ProcessRecord | None, expected: set[str]
) -> None:
    lab = Lab(tmp_path)
    out = start(lab.run_folder(7, "levers"), "p", now=NOW)
    finish(lab, out, record(process=process), usage_files=usage_files)
    assert {path.name for path in out.iterdir()} == expected
