"""The example of docs/tasks.md, laid out as it says, run by the short command."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.sandbox.layers import why_no_layers
from prompt_lab.task_engine.record import AttemptCode, AttemptRecord, AttemptStatus
from tests import warm_commands
from tests.prompt_lab.tasks.validate import check

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tasks.md").read_text("utf-8")
BLOCK = re.compile(r"^```\w+\n# ([\w./-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """The example in a repository of its own."""
    for name, text in BLOCK.findall(PAGE):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path / "packing" / "task.yaml"


def _run(task: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pipeline.cli.task", str(task), *words]
    return warm_commands.run(command, cwd=ROOT)


def _record(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    record: dict[str, Any] = json.loads(done.stdout)
    check("result", record)
    return record


@pytest.mark.slow
def test_the_example_ends_as_the_page_says(task: Path) -> None:
    ends = []
    for _ in range(3):
        done = _run(task)
        assert done.returncode == 0, done.stderr
        record = _record(done)
        ends.append((record["status"], record["reason"], record["mutation"]))
    assert ends == [
        ("discard", "not_better", "order small"),
        ("keep", "better", "order large"),
        ("discard", "not_better", "order given"),
    ]
    rule = task.with_name("rule.json")
    assert "large" in rule.read_text("utf-8")
    page = _run(task, "--explain").stdout
    assert "fewer boxes for the same parcels" in page
    assert "--undo    (takes attempt 2 back)" in page
    check("undo", json.loads(_run(task, "--undo").stdout))
    assert "given" in rule.read_text("utf-8")
    lines = (task.parents[1] / "work" / "results.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["attempt"] * 3 + ["undo"]


@pytest.mark.slow
def test_a_campaign_and_its_one_line(task: Path) -> None:
    done = _run(task, "--campaign")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    check("campaign", told)
    assert (told["why"], told["attempts"], told["kept"]) == ("iterations", [1, 2, 3], [2])
    assert told["last_score"] == told["first_score"] - 1


@pytest.mark.slow
def test_a_candidate_from_a_folder(task: Path, tmp_path: Path) -> None:
    mine = tmp_path / "work" / "mine" / "packing"
    mine.mkdir(parents=True)
    (mine / "rule.json").write_text('{\n  "order": "large"\n}\n', encoding="utf-8")
    record = _record(_run(task, "--candidate", str(mine.parent)))
    assert (record["status"], record["diff_summary"]["files"]) == ("keep", ["packing/rule.json"])
    (mine / "pack.py").write_text("", encoding="utf-8")
    record = _record(_run(task, "--candidate", str(mine.parent)))
    assert (record["status"], record["reason"]) == ("discard", "evaluator_changed")


@pytest.mark.slow
def test_a_crash_is_told_as_one_line_and_by_the_exit_code(task: Path) -> None:
    done = _run(task, "--mutator", "python -c 'raise SystemExit(3)'")
    assert done.returncode != 0
    record = _record(done)
    assert (record["status"], record["reason"]) == ("crash", "mutator_failed")
    task.write_text("id: Wrong\nartifact: [x]\n", encoding="utf-8")
    done = _run(task)
    assert done.returncode != 0
    record = _record(done)
    assert record["reason"] == "bad_task"
    for line in (":1: id", ":2: artifact:", ":1: artifacts", ":1: scorer"):
        assert f"task.yaml{line}" in record["detail"]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_only_the_operator_can_do_without_a_sandbox(
    task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with task.open("a", encoding="utf-8") as file:
        file.write("jail: 'off'\n")
    inside = _record(_run(task))
    assert "no sandbox" not in " ".join(inside["unenforced"])
    assert inside["sandbox"] == "bubblewrap"
    assert inside["layers"] == (why_no_layers(task.parent) == "")
    assert "it runs in a sandbox" in _run(task, "--explain").stdout
    monkeypatch.setenv("PROMPTLAB_SANDBOX", "none")
    bare = _record(_run(task))
    assert (bare["sandbox"], bare["layers"]) == ("none", False)
    first = bare["unenforced"][0]
    assert first.startswith("no sandbox: the file system, the network and other processes")
    assert "NO SANDBOX holds it: PROMPTLAB_SANDBOX is 'none'" in _run(task, "--explain").stdout


@pytest.mark.slow
def test_the_commands_of_luigi_do_the_same(task: Path) -> None:
    luigi = Path(sys.executable).with_name("luigi")
    command = [str(luigi), "--module", "pipeline", "RunTask", "--task", str(task)]
    env = {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert _record(done)["attempt"] == 1


def test_every_reason_is_on_the_page() -> None:
    table = PAGE[PAGE.index("| status | reasons |") :]
    missing = [code.value for code in AttemptCode if f"`{code.value}`" not in table]
    assert not missing
    assert all(f"| {status.value} |" in table for status in AttemptStatus)


def test_every_key_of_a_task_is_on_the_page() -> None:
    keys = json.loads((ROOT / "docs" / "task.schema.json").read_text("utf-8"))["properties"]
    assert not [key for key in keys if f"`{key}`" not in PAGE and f"{key}:" not in PAGE]
    assert "removed" in AttemptRecord.model_fields
