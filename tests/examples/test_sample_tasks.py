"""The sample tasks of configs/tasks: each by its one command, in a clone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.task_engine.schema import read_task
from tests.prompt_lab.tasks.validate import check

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "configs" / "tasks"
REASONS = {
    "skill-quality": ["not_better", "better", "constraint", "better"],
    "invoice-prompt": ["not_better", "better"],
    "tumour-classifier": ["not_better", "better"],
    "production-schedule": ["not_better", "better", "constraint", "better"],
    "failure-alarm": ["not_better", "better", "constraint", "better"],
}
"""Sample -> how its attempts end, in their order."""
MARKS = {
    "invoice-prompt": [pytest.mark.model, pytest.mark.long],
    "tumour-classifier": [pytest.mark.long],
    "production-schedule": [pytest.mark.long],
}


def cloned(folder: Path) -> Path:
    """A clone as a user has it, with this environment in place of its own."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    return clone


def run(clone: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command in the clone, with the clone's own code."""
    ours = ("PROMPTLAB", "LUIGI", "MAKE", "MFLAGS")  # the tests themselves may be run by make
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    env["PYTHONPATH"] = str(clone)
    return subprocess.run(
        words, cwd=clone, env=env, capture_output=True, text=True, check=False, timeout=900
    )


def results(clone: Path) -> list[dict[str, Any]]:
    """The attempts in results.jsonl, each as the published schema wants it."""
    lines = (clone / "work" / "results.jsonl").read_text("utf-8").splitlines()
    records = [record for line in lines if (record := json.loads(line))["kind"] == "attempt"]
    for record in records:
        check("result", record)
    return records


def test_every_sample_is_a_task_and_has_its_test() -> None:
    tasks = {path.parent.name: read_task(path) for path in TASKS.glob("*/task.yaml")}
    assert tasks.keys() == REASONS.keys()
    assert all(task.id == name for name, task in tasks.items())
    for path in TASKS.glob("*/task.yaml"):
        schema = path.read_text("utf-8").splitlines()[0].rpartition("=")[2]
        assert (path.parent / schema).resolve() == ROOT / "docs" / "task.schema.json"


def test_the_prompt_is_the_one_of_the_example() -> None:
    prompts = (
        TASKS / "invoice-prompt" / "prompt.txt",
        ROOT / "examples" / "invoices" / "target" / "prompts" / "extract_invoice.txt",
    )
    assert len({path.read_text("utf-8") for path in prompts}) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "sample",
    [pytest.param(sample, marks=MARKS.get(sample, ())) for sample in REASONS],
)
def test_the_better_is_kept_the_worse_is_not_and_the_diffs_are_shown(
    tmp_path: Path, sample: str
) -> None:
    clone = cloned(tmp_path)
    done = run(clone, "make", "-o", "samples", "sample", f"SAMPLE={sample}")
    assert done.returncode == 0, done.stderr
    records = results(clone)
    assert [record["reason"] for record in records] == REASONS[sample]
    assert {(r["status"], r["reason"]) for r in records if r["reason"] != "constraint"} == {
        ("discard", "not_better"), ("keep", "better")
    }  # fmt: skip
    told = json.loads(done.stdout.splitlines()[0])
    assert told["kept"] == [r["attempt"] for r in records if r["status"] == "keep"]
    kept = [r for r in records if r["status"] == "keep"]
    assert (told["first_score"], told["last_score"]) == (
        kept[0]["baseline_score"], kept[-1]["candidate_score"]
    )  # fmt: skip
    for record in records:
        assert not any("no sandbox" in words for words in record["unenforced"])
        diff = (clone / record["diff_summary"]["diff"]).read_text("utf-8")
        assert diff.count("\n+") > 1
        assert diff in done.stdout
    changed = run(clone, "git", "diff", "--name-only").stdout.split()
    assert changed == sorted({path for r in kept for path in r["diff_summary"]["files"]})


@pytest.mark.slow
def test_a_proposal_can_be_named_and_a_keep_be_undone(tmp_path: Path) -> None:
    clone = cloned(tmp_path)
    command = (str(clone / ".venv/bin/prompt-lab-task"), "configs/tasks/failure-alarm/task.yaml")
    mutator = "python configs/tasks/propose.py"
    assert json.loads(run(clone, *command, "--mutator", f"{mutator} twice").stdout)["gain"] > 0.1
    refused = json.loads(run(clone, *command, "--mutator", f"{mutator} thrice").stdout)
    assert refused["reason"] == "mutator_failed"
    assert "'thrice': there are average, twice" in refused["detail"]
    assert run(clone, "git", "diff", "--name-only").stdout
    run(clone, *command, "--undo")
    assert run(clone, "git", "diff", "--name-only").stdout == ""


@pytest.mark.slow
def test_a_schedule_that_cannot_be_gets_no_score(tmp_path: Path) -> None:
    folder = TASKS / "production-schedule"
    env = {**os.environ, "PROMPTLAB_OUT": str(tmp_path)}

    def python(script: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(folder / script)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert python("simulate.py").returncode == 0
    assert json.loads(python("score.py").stdout)["score"] > 0
    path = tmp_path / "schedule.json"
    told = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**told, "rows": told["rows"][:-1]}), "utf-8")
    assert "not every order is at the bench once" in python("score.py").stderr
    told["rows"][4]["start"] -= 0.5
    path.write_text(json.dumps(told), "utf-8")
    assert "too early at the saw" in python("score.py").stderr
    path.write_text(json.dumps({**told, "overtime_hours": 24}), "utf-8")
    assert python("score.py").returncode != 0


@pytest.mark.slow
def test_who_has_no_scikit_learn_is_told_how_to_get_it(tmp_path: Path) -> None:
    import yaml  # noqa: PLC0415 -- its place is what is asked for

    (tmp_path / "yaml").symlink_to(Path(yaml.__file__).parent)
    env = {**os.environ, "PROMPTLAB_OUT": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-S", str(TASKS / "tumour-classifier" / "train.py")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "scikit-learn is not installed: run `make samples`\n"
