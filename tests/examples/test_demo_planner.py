"""`make demo-planner` on the recordings that the repository carries, as a user would give it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from prompt_lab.decide.verdict import Verdict
from prompt_lab.records import RECORDED, RunRecord

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.long
def test_an_iteration_on_recorded_answers(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPTLAB", "LUIGI", "MAKE"))}
    done = subprocess.run(
        ["make", "-o", "setup", "demo-planner", "LIVE=", "ANSWERS="],
        cwd=clone,
        env={**env, "PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert RECORDED in done.stdout
    assert "30 replayed, 0 made" in done.stdout
    assert "cannot decide, by construction" in done.stdout.split("report  ")[-1]
    lab = clone / "lab-planner"
    folder = lab / "analysis/1_potential_levers"
    verdict = Verdict.model_validate_json((folder / "verdict.json").read_text())
    rules, few = verdict.reasons[:2]  # a failed guard comes first
    assert (rules.code, few.code) == ("violation", "needs_verify_plans")
    assert few.facts["needed"] == "9"
    paths = lab.glob("history/*/*/outputs/*/run.json")
    runs = [RunRecord.model_validate_json(path.read_text()) for path in paths]
    assert len(runs) == 2 * 5
    assert {run.status for run in runs} == {"ok"}
    assert all(run.usage.calls == 3 and run.is_recorded for run in runs)
    commits = {run.side: run.sent.wanted_commit for run in runs}
    assert len(set(commits.values())) == 2
    assert all(run.sent.head == commits[run.side] and run.sent.tree_clean for run in runs)


def test_the_recordings_say_what_they_are() -> None:
    paths = sorted((ROOT / "examples/planner/recordings").glob("*/*/*.json"))
    assert len(paths) == 10
    for path in paths:
        data = json.loads(path.read_text("utf-8"))
        assert data["label"] == RECORDED
        assert len(data["answers"]) == 3
