"""What a finished run leaves beside its outputs."""

import json
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.names import Side, Split, Status
from prompt_lab.records import ProcessRecord, RunError, RunRecord, SentEvidence, Usage
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
    finished(lab, record())
    assert json.loads(lab.reusable.read_text())["key"] == "k"
