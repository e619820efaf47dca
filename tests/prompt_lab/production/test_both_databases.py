"""SQLite, PostgreSQL and a Supabase project over HTTP give a review equal results."""

from datetime import date
from pathlib import Path

import pytest

from adapters.traces.postgrest import open_supabase
from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.production.detect import Detection, detect_in_store
from prompt_lab.production.measure import compare_versions, measure_versions
from prompt_lab.production.simulate import PLANTED, prompt_of_day, simulate_month
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.production.version_records import VersionComparison
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.layout import Lab
from prompt_lab.traces import Window
from tests.adapters.traces.postgrest_server import open_project
from tests.postgres import new_database

pytestmark = pytest.mark.slow
DAYS = 14


def review(store: TraceStore) -> tuple[Detection, VersionComparison | None]:
    end = ""
    for day in simulate_month(date(2026, 2, 1), seed=3, faults=PLANTED, days=DAYS, sessions=16):
        store.add(day.traces)
        for feedback in day.feedback:
            store.add_feedback(feedback)
        start, end = day.start, day.end
    window = Window(start, end)
    found = detect_in_store(store, prompt_of_day(DAYS, PLANTED), window=window)
    whole = Window("2026-02-01T00:00:00.000Z", end)
    versions = measure_versions(store.read(whole), store.read_feedback(whole))
    return found, compare_versions(PROMPT_ID, versions[PROMPT_ID])


def test_a_review_of_each_database_is_the_same(tmp_path: Path) -> None:
    lite = review(open_stores(Lab(tmp_path / "lite")).traces)
    with new_database() as url:
        opened = open_stores(Lab(tmp_path / "post"), url)
        post = review(opened.traces)
    with open_project() as project:
        rest = review(open_supabase(project.environment).traces)
    assert lite == post == rest
    assert len(lite[0].findings) >= 4
    assert lite[1] is not None
