"""What every outcome store does: SQLite, PostgreSQL, and the fake of other tests."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from prompt_lab.outcomes import CallOutcome
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.store.database.engine import open_engine, open_outcomes
from prompt_lab.store.layout import Lab
from prompt_lab.traces import Window
from tests.memory_stores import MemoryOutcomes
from tests.postgres import new_database

NOON = "2026-02-26T12:00:00.000Z"
DAY = Window("2026-02-26T00:00:00.000Z", "2026-02-27T00:00:00.000Z")
FULL = CallOutcome(
    trace="full",
    when=NOON,
    prompt_id="query",
    task_class="question",
    variant="a" * 64,
    snapshot="b" * 64,
    arm="canary",
    unit="u1",
    model="m",
    success=False,
    score=0.0,
    parsed=True,
    schema_ok=False,
    confidence=0.25,
    grounding=0.5,
    source_count=2,
    feedback="down",
    latency_ms=12.5,
    cost_usd=0.01,
    question="Wie lange stand Maschine 7?",
    sources=("Maschine 7: 12 min",),
    answer="No\u2028idea \\ 'x'",
    expected={"expects_any": ["12"], "require_citations": False},
    error="timeout",
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow), "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OutcomeStore]:
    if request.param == "memory":
        yield MemoryOutcomes()
    elif request.param == "sqlite":
        yield open_outcomes(Lab(tmp_path / "lab"))
    else:
        with new_database() as address:
            yield open_outcomes(Lab(tmp_path / "lab"), address)


def make_outcomes(count: int, seed: int = 1) -> list[CallOutcome]:
    rng = Random(seed)
    return [
        CallOutcome(
            trace=f"t{at:05}",
            when=f"2026-02-26T{at % 24:02}:00:00.000Z",
            prompt_id=rng.choice(["query", "state_query"]),
            task_class=rng.choice(["", "question"]),
            arm=rng.choice(["", "control", "canary"]),
            success=rng.choice([True, False, None]),
            feedback=rng.choice(["", "", "up", "down"]),
            latency_ms=rng.choice([None, round(rng.random() * 1000, 3)]),
            cost_usd=rng.choice([None, 0.5]),
            grounding=rng.choice([None, 0.25, 1.0]),
            error=rng.choice(["", "timeout"]),
        )
        for at in range(count)
    ]


def test_a_row_comes_back_as_it_was(store: OutcomeStore) -> None:
    bare = CallOutcome(trace="bare", when=NOON)
    assert store.add([FULL, bare]) == (2, 0)
    assert store.find("full") == FULL
    assert store.find("bare") == bare
    assert store.find("none") is None
    assert store.add([FULL, bare]) == (0, 2)
    assert list(store.since("")) == [bare, FULL]


def test_a_later_row_fills_in_what_is_unknown_and_changes_nothing(store: OutcomeStore) -> None:
    start = CallOutcome(trace="full", when=NOON, prompt_id="query", success=False, cost_usd=0.0)
    later = FULL.model_copy(update={"success": True, "cost_usd": 9.0, "when": DAY.end})
    store.add([start])
    assert store.add([later]) == (0, 1)
    assert store.find("full") == later.model_copy(
        update={"success": False, "cost_usd": 0.0, "when": NOON}
    )
    store.add(
        [start.model_copy(update={"trace": "two"}), later.model_copy(update={"trace": "two"})]
    )
    found = store.find("two")
    assert found is not None
    assert (found.success, found.model, found.when) == (False, "m", NOON)


def test_reading_from_a_time_on_gives_each_row_once_in_order(store: OutcomeStore) -> None:
    rows = make_outcomes(2100)
    store.add(rows)
    expected = sorted(rows, key=lambda one: (one.when, one.trace))
    assert [one.trace for one in store.since("")] == [one.trace for one in expected]
    since = [one.trace for one in store.since(NOON, prompt_id="query")]
    assert since == [one.trace for one in expected if one.when >= NOON and one.prompt_id == "query"]


def test_the_summary_is_that_of_the_rows(store: OutcomeStore) -> None:
    rows = [*make_outcomes(400), FULL.model_copy(update={"when": DAY.end})]
    store.add(rows)
    found, wanted = store.summary(DAY), MemoryOutcomes(rows).summary(DAY)
    assert [one[:13] for one in found] == [one[:13] for one in wanted]
    for one, two in zip(found, wanted, strict=True):
        assert one.grounding == pytest.approx(two.grounding)
        assert (one.latency_p50_ms, one.latency_p95_ms) == (two.latency_p50_ms, two.latency_p95_ms)
        assert one.cost_usd == pytest.approx(two.cost_usd)
        assert (one.costed, one.first, one.last) == (two.costed, two.first, two.last)
    assert sum(one.calls for one in found) == 400
    assert any(one.disputed for one in found)


def test_percentiles_are_the_nearest_rank(store: OutcomeStore) -> None:
    store.add(
        CallOutcome(trace=f"{at}", when=NOON, prompt_id="p", latency_ms=float(at))
        for at in range(1, 41)
    )
    (found,) = store.summary(DAY)
    assert (found.latency_p50_ms, found.latency_p95_ms) == (20.0, 38.0)


def test_a_units_rows_and_old_rows_can_be_erased(store: OutcomeStore) -> None:
    store.add([FULL, *make_outcomes(3)])
    assert store.erase(unit="u1") == ("full",)
    assert store.erase(before="2026-02-26T01:00:00.000Z") == ("t00000",)
    assert [one.trace for one in store.since("")] == ["t00001", "t00002"]
    with pytest.raises(ValueError, match="name a unit or a time"):
        store.erase()


def test_a_database_of_the_version_before_gets_the_table(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    engine = open_engine(lab)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE prompt_outcomes"))
        connection.execute(sa.text("UPDATE prompt_lab_version SET version_num = '0001'"))
    engine.dispose()
    assert open_outcomes(lab).add([FULL]) == (1, 0)
