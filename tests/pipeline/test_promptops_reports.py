"""`prompt-lab promptops` reports what was learned, in process, on a lab of files of facts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from prompt_lab.clock import utc_now
from prompt_lab.promptops.prepared_rows import hash_unit
from prompt_lab.store.files import append_row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path))
    folder = tmp_path / "promptops"
    folder.mkdir()
    with (folder / "metrics.jsonl").open("w") as file:
        for at in range(60):
            row = {
                "type": "promptops.model_interaction",
                "ts": "2026-02-26T12:00:00Z",
                "trace": f"t{at}",
                "prompt_id": "query",
                "task_class": "multi",
                "latency_ms": 100.0 + at,
                "success": at % 4 == 0,
            }
            file.write(json.dumps(row) + "\n")
        file.write("broken\n")
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["promptops", *words])


def test_facts_are_ingested_once_and_reported(lab: Path) -> None:
    assert "60 new outcomes, 1 malformed" in run("ingest").output
    assert "0 rows read" in run("ingest").output
    output = run("report").output
    assert "query multi - all: 60 calls, success 25.0% of 60" in output
    assert "weak: query multi: 15 of 60 by success" in output
    assert (lab / "promptops/malformed_rows.jsonl").exists()


def test_metrics_are_counted_by_type(lab: Path) -> None:
    found = json.loads(run("metrics").output)
    assert found["promptops.model_interaction"] == {
        "rows": 60,
        "mean_latency_ms": 129.5,
        "mean_success": 0.25,
    }
    assert found["malformed"] == {"rows": 1}
    assert lab.exists()


def test_an_evaluation_fails_below_the_threshold_and_for_an_empty_set(lab: Path) -> None:
    run("ingest")
    good = run("eval", "query", "--threshold", "0.1")
    assert (good.exit_code, "passed" in good.output) == (0, True)
    bad = run("eval", "query", "--threshold", "0.9")
    assert (bad.exit_code, "below_threshold" in bad.output) == (1, True)
    empty = run("eval", "other")
    assert (empty.exit_code, "empty" in empty.output) == (1, True)
    assert lab.exists()


def test_outcomes_of_a_user_and_old_ones_are_erased_with_a_reason(lab: Path) -> None:
    row = {"type": "promptops.prepare_prompt", "ts": utc_now(), "trace": "ann 1"}
    append_row(lab / "promptops" / "metrics.jsonl", row | {"unit": hash_unit("ann")})
    assert "--user or --days" in str(run("erase", "--reason", "she asked").exception)
    assert "--user or --days" in str(run("erase", "--user", "ann", "--reason", " ").exception)
    done = run("erase", "--user", "ann", "--reason", "she asked")
    assert (done.exit_code, "1 outcome erased, 1 row" in done.output) == (0, True)
    assert "60 outcomes erased, 60 rows" in run("erase", "--days", "1", "--reason", "old").output
    assert "ann 1" not in (lab / "promptops" / "metrics.jsonl").read_text()


@pytest.mark.model
@pytest.mark.slow
def test_the_embedded_model_is_asked_a_battery(lab: Path) -> None:
    cases = lab / "cases.json"
    case = {"id": "c1", "query": "Is water wet, yes or no?", "expects_any": ["yes", "no"]}
    cases.write_text(json.dumps([case]))
    done = run("ask", str(cases), "--model", "smollm2", "--most", "1")
    row = json.loads(done.output.splitlines()[0])
    assert (row["id"], row["latency_ms"] > 0, bool(row["answer"])) == ("c1", True, True)
    assert "1 calls, 1 units: " in done.output
    assert done.exit_code == ("passed" not in done.output)


def test_the_drift_safety_suite_passes_as_shipped(lab: Path) -> None:
    found = run("drift")
    assert found.exit_code == 0
    assert "60 of 60 unsafe rewrites are refused" in found.output
    assert lab.exists()


@pytest.mark.parametrize(
    "name",
    [
        "promptops_eval",
        "query_effectiveness_report",
        "run_advanced10_queries",
        "promptops_metrics_report",
    ],
)
def test_a_tool_is_a_few_lines_over_a_command(name: str) -> None:
    text = (ROOT / "tools" / f"{name}.py").read_text()
    assert "promptops" in text
    assert len(text.splitlines()) <= 15
    compile(text, name, "exec")
