"""`prompt-lab traces`: import, feedback, export, erase and expire, on the lab's own database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app

KEY = "sk-0123456789abcdefghij"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path / "lab"))
    return tmp_path / "lab"


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["traces", *args])


def row(name: str, **more: object) -> str:
    return json.dumps({"trace_id": name, "created_at": "2026-02-26T06:00:00Z", **more})


def test_import_hides_keys_keeps_bad_lines_aside_and_may_be_repeated(lab: Path) -> None:
    lines = [row("a", user_message=f"my key is {KEY}"), row("b"), f'{{"trace_id": "{KEY}', row("a")]
    Path("t.jsonl").write_text("\n".join(lines))
    first = run("import", "t.jsonl", "--format", "jsonl")
    assert first.exit_code == 1
    assert "2 traces added, 1 known already, 1 not readable" in first.output
    assert "t.jsonl:3: " in first.output
    assert "0 traces added, 3 known already" in run("import", "t.jsonl", "--format", "jsonl").output
    said = run("export").output
    assert '"trace_id":"a"' in said
    held = b"".join(path.read_bytes() for path in lab.glob("*") if path.is_file())
    assert KEY.encode() not in held
    assert KEY not in said


def test_one_user_is_exported_and_erased_with_a_record_that_stays(lab: Path) -> None:
    Path("t.jsonl").write_text(f"{row('a', channel_user_id='u')}\n{row('b')}\n")
    run("import", "t.jsonl", "--format", "jsonl")
    assert run("feedback", "a", "down", "--comment", "wrong").exit_code == 0
    assert "already" in run("feedback", "a", "up").output
    assert '"trace_id":"b"' not in run("export", "--user", "u").output
    assert "1 trace deleted" in run("erase", "--user", "u", "--reason", "asked for it").output
    assert run("export", "--user", "u").output == ""
    kept = json.loads((lab / "erased_traces.jsonl").read_text())
    assert (kept["trace_ids"], kept["reason"]) == (["a"], "asked for it")
    assert "1 trace deleted" in run("expire", "--days", "1").output
    assert run("export").output == ""


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("import", "t.jsonl", "--format", "jsonx"), "Did you mean 'jsonl'"),
        (("import", "none.jsonl", "--format", "jsonl"), "none.jsonl"),
        (("import", "t.jsonl", "--format", "jsonl", "--at", "noon"), "--at noon: write it as"),
        (("feedback", "x", "up"), "there is no trace 'x'"),
        (("feedback", "x", "sideways"), "a thumb is up or down"),
        (("erase", "--user", "u", "--reason", " "), "name whose traces are deleted, and why"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(lab: Path, args: tuple[str, ...], says: str) -> None:
    Path("t.jsonl").write_text(row("a"))
    done = run(*args)
    assert done.exit_code != 0
    assert says in str(done.exception)
