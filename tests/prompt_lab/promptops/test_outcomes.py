"""Files of facts become outcomes: each row once, what is malformed aside, drift reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.fact_rows import ASIDE
from prompt_lab.promptops.outcomes import (
    ingest_facts,
    read_cases,
    read_golden,
    render_report,
)
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from tests.memory_stores import MemoryOutcomes

NOW = "2026-03-01T00:00:00.000Z"
TS = "2026-02-26T12:00:00Z"


def write_rows(path: Path, *rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            file.write((row if isinstance(row, str) else json.dumps(row)) + "\n")


def prepare_row(trace: str, **more: Any) -> dict[str, Any]:
    row = {"type": "promptops.prepare_prompt", "ts": TS, "trace": trace, "prompt_id": "query"}
    return row | {"latency_ms": 0.01, "strategy": "current", "confidence": 0.4} | more


def call_row(trace: str = "", **more: Any) -> dict[str, Any]:
    row = {"type": "promptops.model_interaction", "ts": TS, "latency_ms": 900.0, "success": True}
    return row | ({"trace": trace} if trace else {}) | more


def test_the_three_files_make_one_outcome_of_a_trace(tmp_path: Path) -> None:
    folder, store = tmp_path / "promptops", MemoryOutcomes()
    write_rows(
        folder / "metrics.jsonl",
        prepare_row("a", source_count=2),
        call_row("a", cost_usd=0.25),
        {"type": "promptops.review_result", "updated": True, "pending_approval": False},
    )
    write_rows(folder / "facts/query_feedback.ndjson", {"trace_id": "a", "rating": -1})
    write_rows(
        folder / "facts/query_trace.ndjson",
        {
            "trace_id": "a",
            "query": "Mail ann@example.org: how long?",
            "answer": "12 minutes [1]",
            "sources": [{"text": "stop: 12 minutes"}],
            "expects_any": ["12"],
        },
    )
    report = ingest_facts(Lab(tmp_path), store, now=NOW)
    assert (report.rows, report.outcomes, report.malformed) == (5, 1, 0)
    assert store.find("a") == CallOutcome(
        trace="a",
        when="2026-02-26T12:00:00.000Z",
        prompt_id="query",
        success=True,
        confidence=0.4,
        source_count=2,
        feedback="down",
        latency_ms=900.0,
        cost_usd=0.25,
        question="Mail [personal]: how long?",
        sources=("stop: 12 minutes",),
        answer="12 minutes [1]",
        expected={"expects_any": ["12"]},
    )
    assert render_report(report) == "5 rows read, 1 new outcome, 0 malformed"


def test_only_what_is_new_is_read_and_an_unfinished_row_waits(tmp_path: Path) -> None:
    lab, store, path = Lab(tmp_path), MemoryOutcomes(), tmp_path / "promptops/metrics.jsonl"
    write_rows(path, call_row("a"))
    whole = json.dumps(call_row("b", success=False))
    with path.open("a") as file:
        file.write(whole[:20])
    assert ingest_facts(lab, store, now=NOW).rows == 1
    with path.open("a") as file:
        file.write(whole[20:] + "\n")
    assert ingest_facts(lab, store, now=NOW) == (1, 1, 0, ())
    assert ingest_facts(lab, store, now=NOW) == (0, 0, 0, ())
    assert [one.trace for one in store.since("")] == ["a", "b"]


def test_rows_without_a_trace_are_outcomes_of_their_own_even_if_read_twice(tmp_path: Path) -> None:
    lab, store, path = Lab(tmp_path), MemoryOutcomes(), tmp_path / "promptops/metrics.jsonl"
    write_rows(path, call_row(), call_row(), call_row(success=False))
    assert ingest_facts(lab, store, now=NOW).outcomes == 3
    (path.parent / "ingested.json").unlink()
    assert ingest_facts(lab, store, now=NOW) == (3, 0, 0, ())


def test_malformed_rows_are_kept_aside_and_stop_nothing(tmp_path: Path) -> None:
    folder, store = tmp_path / "promptops", MemoryOutcomes()
    write_rows(
        folder / "metrics.jsonl",
        "{broken",
        "[1]",
        {"type": "promptops.new_kind", "trace": "x"},
        call_row("c", confidence=7),
        call_row("d", ts="yesterday"),
        call_row("e", success=None),
        call_row("good"),
    )
    write_rows(
        folder / "facts/query_feedback.ndjson",
        {"trace_id": "a", "rating": 3, "comment": "ask ann@example.org"},
    )
    report = ingest_facts(Lab(tmp_path), store, now=NOW)
    assert (report.outcomes, report.malformed) == (1, 7)
    kept = read_rows(folder / ASIDE)
    assert [row["reason"].split(":")[0] for row in kept] == [
        "not JSON",
        "not a JSON object",
        "'type' is 'promptops.new_kind', none of ours",
        "confidence",
        "the time 'yesterday' is none",
        "a model_interaction needs 'success'",
        "the feedback '3' is neither up nor down",
    ]
    assert "ann@" not in (folder / ASIDE).read_text()


def test_a_drifted_a_corrupted_and_a_replaced_file_are_reported_not_fatal(tmp_path: Path) -> None:
    lab, store, folder = Lab(tmp_path), MemoryOutcomes(), tmp_path / "promptops"
    drifted = [{"kind": "interaction", "ok": True} for _ in range(30)]
    write_rows(folder / "metrics.jsonl", *drifted, call_row("a"))
    (folder / "facts").mkdir()
    corrupt = bytes(range(128, 256)) * 50 + b"\n"
    (folder / "facts/query_trace.ndjson").write_bytes(corrupt * 25)
    (folder / "facts/query_feedback.ndjson").mkdir()
    report = ingest_facts(lab, store, now=NOW)
    assert report.outcomes == 1
    said = " ".join(report.problems)
    assert "metrics.jsonl: 30 of 31 rows are malformed" in said
    assert "query_trace.ndjson: 25 of 25 rows are malformed" in said
    assert "query_feedback.ndjson: Is a directory" in said
    (folder / "metrics.jsonl").write_text(json.dumps(call_row("b")) + "\n")
    again = ingest_facts(lab, store, now=NOW)
    assert again.outcomes == 1
    assert "is another file than before" in " ".join(again.problems)


def test_a_row_longer_than_a_megabyte_is_malformed_and_the_next_is_read(tmp_path: Path) -> None:
    path, store = tmp_path / "promptops/metrics.jsonl", MemoryOutcomes()
    write_rows(path, call_row("long", answer="x" * 2_100_000), call_row("next"))
    assert ingest_facts(Lab(tmp_path), store, now=NOW) == (2, 1, 1, ())
    assert store.find("next")


def test_golden_cases_are_read_and_a_wrong_file_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "promptops"
    folder.mkdir()
    good = folder / "query_eval_cases_quick.json"
    good.write_text(json.dumps([{"id": "1", "query": "Who?", "expects_any": "Ann"}]))
    (folder / "query_eval_cases.json").write_text('[{"id": "2", "query": "Who?"}]')
    cases, problems = read_golden(Lab(tmp_path))
    assert [(one.id, one.expects_any) for one in cases] == [("1", ("Ann",))]
    (problem,) = problems
    assert "query_eval_cases.json: case 1: it needs expects_any" in problem
    good.write_text(json.dumps([{"id": "1", "query": "Who?", "expect_exact": 5}] * 2))
    with pytest.raises(StoreError, match="id '1' is there twice"):
        read_cases(good)
