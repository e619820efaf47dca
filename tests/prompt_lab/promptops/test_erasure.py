"""What one user asked is erased from the outcome log and the files of facts, and from no other."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_lab.promptops.erasure import Erased, erase_outcomes
from prompt_lab.promptops.outcomes import ingest_facts
from prompt_lab.promptops.prepared_rows import hash_unit
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from tests.memory_stores import MemoryOutcomes

NOW = "2026-03-01T00:00:00.000Z"
ANN, BOB = hash_unit("ann"), hash_unit("bob")


def write_facts(root: Path, calls: list[tuple[str, str]]) -> None:
    """(trace, unit): a row of prepare and one of the answer for each."""
    (root / "promptops" / "facts").mkdir(parents=True, exist_ok=True)
    with (root / "promptops" / "metrics.jsonl").open("a") as file:
        for number, (trace, unit) in enumerate(calls):
            when = f"2026-02-{1 + number % 27:02d}T12:00:00.000Z"
            row = {"ts": when, "trace": trace, "prompt_id": "query"}
            begin = {"type": "promptops.prepare_prompt", "unit": unit, "question": f"q {trace}?"}
            end = {"type": "promptops.model_interaction", "answer": f"a {trace}", "success": True}
            file.write(json.dumps(row | begin) + "\n" + json.dumps(row | end) + "\n")


def test_a_users_calls_go_and_those_of_others_stay(tmp_path: Path) -> None:
    lab, store = Lab(tmp_path), MemoryOutcomes()
    write_facts(tmp_path, [("a1", ANN), ("b1", BOB), ("a2", ANN)])
    (tmp_path / "promptops/facts/query_feedback.ndjson").write_text(
        '{"trace_id": "a2", "rating": -1}\n{"trace_id": "b1", "rating": 1}\n'
    )
    erased = erase_outcomes(lab, store, unit=ANN, reason="ann asked", now=NOW)
    assert erased == Erased(outcomes=2, rows=5, plans=0)
    assert set(store.rows) == {"b1"}
    texts = [path.read_text() for path in (tmp_path / "promptops").rglob("*") if path.is_file()]
    assert not any("q a1" in text or "a a2" in text or ANN in text for text in texts)
    (stone,) = read_rows(tmp_path / "erased_traces.jsonl")
    assert (stone["reason"], stone["trace_ids"]) == ("ann asked", ["a1", "a2"])
    report = ingest_facts(lab, store, now=NOW)
    assert (report.rows, report.problems, set(store.rows)) == (0, (), {"b1"})
    assert erase_outcomes(lab, store, unit=ANN, reason="again", now=NOW) == Erased(0, 0, 0)


def test_what_is_older_goes(tmp_path: Path) -> None:
    lab, store = Lab(tmp_path), MemoryOutcomes()
    write_facts(tmp_path, [(f"t{number}", ANN) for number in range(10)])
    erased = erase_outcomes(lab, store, before="2026-02-05T00:00:00.000Z", reason="old", now=NOW)
    assert (erased.outcomes, erased.rows) == (4, 8)
    assert set(store.rows) == {f"t{number}" for number in range(4, 10)}
    with pytest.raises(ValueError, match="name a unit or a time"):
        erase_outcomes(lab, store, reason="all", now=NOW)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_rows_that_are_appended_later_are_read_as_ever(
    tmp_path_factory: pytest.TempPathFactory, of_ann: list[bool]
) -> None:
    root = tmp_path_factory.mktemp("lab")
    lab, store = Lab(root), MemoryOutcomes()
    write_facts(root, [(f"t{at}", ANN if mine else BOB) for at, mine in enumerate(of_ann)])
    erase_outcomes(lab, store, unit=ANN, reason="ann asked", now=NOW)
    write_facts(root, [("later", BOB)])
    assert ingest_facts(lab, store, now=NOW) == (2, 1, 0, ())
    kept = {f"t{at}" for at, mine in enumerate(of_ann) if not mine}
    assert set(store.rows) == {*kept, "later"}
    again = MemoryOutcomes()
    (root / "promptops" / "ingested.json").unlink()
    ingest_facts(lab, again, now=NOW)
    assert again.rows == store.rows, "what was erased does not come back"
