"""The stores over PostgREST, beyond their contract: cuts, keys, failures of the service."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from adapters.traces._postgrest_http import PostgrestClient
from adapters.traces.postgrest import PostgrestReviews, PostgrestTraces, open_supabase
from pipeline.wiring import open_context, stores
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.production.trace_writer import TraceWriter
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import Feedback, Trace, Window
from tests.adapters.traces.postgrest_server import ANON, KEY, PostgrestServer, open_project

pytestmark = pytest.mark.slow
DAY = Window("2026-02-26T00:00:00.000Z", "2026-02-27T00:00:00.000Z")
NOON = "2026-02-26T12:00:00.000Z"
SESSION = ReviewSession(
    id="7f3b3c5e-5f0e-4a53-9d0c-0d8f6f3d2a11", created_at=NOON, window_hours=24, trace_count=1
)


@pytest.fixture(scope="module")
def project() -> Iterator[PostgrestServer]:
    with open_project(most_rows=100) as server:
        yield server


@pytest.fixture
def server(project: PostgrestServer) -> PostgrestServer:
    project.failures, project.requests = [], []
    with psycopg.connect(project.url) as connection:
        connection.execute(
            "TRUNCATE observability_traces, trace_feedback, optimization_sessions, agent_config,"
            " messages"
        )
    return project


def connect(server: PostgrestServer, key: str = KEY) -> PostgrestClient:
    headers = {"apikey": key, "authorization": f"Bearer {key}"}
    http = httpx.Client(base_url=server.server.address, headers=headers)
    return PostgrestClient(http, key, tries=3, pause=0.0, sleep=lambda _: None)


def make_traces(number: int) -> list[Trace]:
    return [Trace(trace_id=f"{n:04}", created_at=NOON, channel_user_id="u") for n in range(number)]


def test_a_project_that_cuts_earlier_than_a_page_is_read_whole(server: PostgrestServer) -> None:
    traces = PostgrestTraces(connect(server))
    for number in range(0, 250, 50):
        traces.add(make_traces(250)[number : number + 50])
    assert [one.trace_id for one in traces.read(DAY)] == [f"{n:04}" for n in range(250)]
    assert len(traces.find_ids(user="u")) == traces.count(DAY) == 250
    for n in range(130):
        traces.add_feedback(Feedback(trace_id="0001", thumb="up", created_at=NOON,
                                     channel_user_id=f"{n}"))  # fmt: skip
    assert len(traces.read_feedback(DAY)) == 130
    assert traces.usage_by_version(DAY)[0].thumbs_up == 130
    assert len(traces.erase_user("u")) == 250, "one value is never cut"


def test_times_of_other_writers_with_microseconds_are_paged_without_repeats(
    server: PostgrestServer,
) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute(
            "INSERT INTO observability_traces (trace_id, created_at, payload)"
            " SELECT n::text, timestamptz '2026-02-26T12:00:00.123456Z' + n * interval '1 us', '{}'"
            " FROM generate_series(1, 230) n"
        )
    ids = [one.trace_id for one in PostgrestTraces(connect(server)).read(DAY)]
    assert sorted(ids) == sorted(str(n) for n in range(1, 231))


@pytest.mark.parametrize("fault", [503, 429, 500, "lost", "drop"])
def test_a_read_is_tried_again(server: PostgrestServer, fault: int | str) -> None:
    traces = PostgrestTraces(connect(server))
    traces.add(make_traces(2))
    server.failures = [fault, fault]
    assert traces.count(DAY) == 2
    server.failures = [fault, fault, fault]
    with pytest.raises(StoreError, match="Supabase: POST rpc/prompt_lab_count_traces") as caught:
        traces.count(DAY)
    assert KEY not in str(caught.value)
    assert "a row" not in str(caught.value), "details quote rows"


def test_a_write_whose_repetition_answers_otherwise_is_sent_once(server: PostgrestServer) -> None:
    traces, reviews = PostgrestTraces(connect(server)), PostgrestReviews(connect(server))
    reviews.save_session(SESSION)
    server.requests, server.failures = [], ["drop"]
    moved = SESSION.model_copy(update={"status": SessionStatus.REJECTED})
    with pytest.raises(StoreError, match="Whether it was carried out is not known"):
        reviews.move_session(moved, expected=SessionStatus.PENDING)
    assert server.requests == ["PATCH optimization_sessions"]
    assert reviews.read_session(SESSION.id) == moved, "it was"
    server.failures = ["drop"]
    with pytest.raises(StoreError, match="not known"):
        traces.add(make_traces(1))
    assert traces.add(make_traces(1)) == (0, 1)
    server.failures = [503]  # not taken: sent again
    assert traces.add([make_traces(2)[1]]).new == 1


def test_a_session_is_saved_though_the_connection_was_lost(server: PostgrestServer) -> None:
    reviews = PostgrestReviews(connect(server))
    server.failures = ["drop", "lost"]
    reviews.save_session(SESSION)
    assert reviews.list_sessions() == [SESSION]
    assert reviews.read_session("no uuid") is None


@pytest.mark.parametrize(
    ("key", "fault", "says"),
    [
        ("wrong-key-0123456789", "", "401.*SUPABASE_SERVICE_ROLE_KEY"),
        (ANON, "", "403 42501.*SUPABASE_SERVICE_ROLE_KEY"),
        (KEY, 401, "401 PGRST301.*SUPABASE_SERVICE_ROLE_KEY"),
        (KEY, 406, "406 PGRST106.*Expose the schema"),
        (KEY, 409, "409"),
        (KEY, 302, "redirects"),
    ],
)
def test_a_refusal_is_one_sentence_with_its_fix_and_without_the_key(
    server: PostgrestServer, key: str, fault: int | str, says: str
) -> None:
    server.failures = [fault] if fault else []
    with pytest.raises(StoreError, match=says) as caught:
        PostgrestTraces(connect(server, key)).count(DAY)
    assert key not in str(caught.value)
    assert len(server.requests) == 1


def test_the_anon_key_reads_and_writes_nothing(server: PostgrestServer) -> None:
    PostgrestTraces(connect(server)).add(make_traces(1))
    stranger = PostgrestTraces(connect(server, ANON))
    assert stranger.find("0000") is None
    with pytest.raises(StoreError, match="42501"):
        stranger.add(make_traces(2))
    with pytest.raises(StoreError, match="42501"):
        stranger.erase_user("u")
    assert PostgrestTraces(connect(server)).count(DAY) == 1


def test_aggregates_and_unknown_tables_fail_as_at_the_service(server: PostgrestServer) -> None:
    with pytest.raises(StoreError, match="PGRST123"):
        connect(server).select("observability_traces", {"select": "count()"})
    with pytest.raises(StoreError, match=r"PGRST205.*Push supabase/migrations"):
        connect(server).select("nothing", {})


def test_a_project_without_our_functions_names_the_migrations() -> None:
    with open_project(is_migrated=False) as bare, pytest.raises(StoreError) as caught:
        PostgrestTraces(connect(bare)).count(DAY)
    assert "PGRST202" in str(caught.value)
    assert "supabase/migrations" in str(caught.value)


def test_what_no_json_holds_is_one_sentence(server: PostgrestServer) -> None:
    trace = make_traces(1)[0]
    payload = trace.payload.model_copy(update={"outcome": float("nan")})
    with pytest.raises(StoreError, match="observability_traces"):
        PostgrestTraces(connect(server)).add([trace.model_copy(update={"payload": payload})])


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "SUPABASE_SERVICE_ROLE_KEY is not set"),
        ({"SUPABASE_SERVICE_ROLE_KEY": KEY, "SUPABASE_URL": "http://x.example"}, "https"),
        ({"SUPABASE_SERVICE_ROLE_KEY": "a b", "SUPABASE_URL": "https://x.example"}, "copy it"),
        ({"SUPABASE_SERVICE_ROLE_KEY": KEY, "SUPABASE_URL": "https://u:p@x.example"}, "without a"),
    ],
)
def test_what_is_missing_or_wrong_is_said_before_any_call(
    environment: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        open_supabase(environment)
    assert KEY not in str(caught.value)


def test_the_wiring_takes_the_project_where_no_database_is_named(
    server: PostgrestServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("PROMPTLAB_STORE", raising=False)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    context = open_context(tmp_path)
    stores(context).traces.add(make_traces(1))
    assert connect(server).call("prompt_lab_count_traces", _window()) == 1
    assert not (tmp_path / "state.db").exists()
    assert KEY not in caplog.text
    assert TraceWriter(tmp_path).record_message("OUT1", "0000", role="assistant")
    assert stores(context).traces.find_message_trace("OUT1") == "0000"
    monkeypatch.setenv("PROMPTLAB_STORE", f"sqlite:///{tmp_path}/other.db")
    assert stores(context).traces.count(DAY) == 0


def _window() -> dict[str, Any]:
    return {"start_time": DAY.start, "end_time": DAY.end}
