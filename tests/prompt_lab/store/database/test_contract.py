"""What every store of traces and reviews does: SQLite, PostgreSQL, and the fake of other tests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from adapters.traces.postgrest import open_supabase
from prompt_lab.errors import StoreError
from prompt_lab.ports.trace_store import Stores
from prompt_lab.reviews import (
    FindingEvidence,
    Goal,
    Item,
    ItemState,
    ItemType,
    ReviewSession,
    SessionStatus,
)
from prompt_lab.store.database.engine import open_engine, open_stores
from prompt_lab.store.database.trace_rows import PAGE
from prompt_lab.store.layout import Lab
from prompt_lab.traces import (
    AgentCall,
    ChannelMessage,
    Feedback,
    Payload,
    ToolResult,
    Trace,
    VersionUsage,
    Window,
)
from tests.adapters.traces.postgrest_server import open_project
from tests.memory_stores import MemoryReviews, MemoryTraces
from tests.postgres import new_database

DAY = Window("2026-02-26T00:00:00.000Z", "2026-02-27T00:00:00.000Z")
NOON = "2026-02-26T12:00:00.000Z"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    with new_database() as address:
        yield address


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("postgrest", marks=pytest.mark.slow),
        "memory",
    ]
)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryTraces(), MemoryReviews())
    elif request.param == "sqlite":
        yield open_stores(Lab(tmp_path / "lab"))
    elif request.param == "postgrest":
        with open_project() as project:
            yield open_supabase(project.environment)
    else:
        with new_database() as address:
            yield open_stores(Lab(tmp_path / "lab"), address)


def make_trace(name: str, at: str = NOON, *, version: str = "", user: str = "u1") -> Trace:
    events = (
        AgentCall(model="m", latency_ms=12.5),
        ToolResult(tool_name="search", success=True),
        ToolResult(tool_name="search", success=False, error="no\u2028such ünicode \\ 'page'"),
    )
    summary = {"total_cost_usd": 0.25, "total_input_tokens": 100, "total_output_tokens": 7}
    payload = {"events": events, "summary": summary, "prompt_version": version, "own key": [1]}
    return Trace(
        trace_id=name,
        created_at=at,
        session_id=f"s-{user}",
        channel="chat",
        channel_user_id=user,
        user_message="Write about tea",
        payload=Payload.model_validate(payload),
    )


def make_session(**changes: object) -> ReviewSession:
    item = Item(
        id=1,
        detector="d",
        key="k",
        goal=Goal.COST,
        type=ItemType.PROMPT_CHANGE,
        title="<b>Twice</b>",
        evidence=FindingEvidence(counts={"blocks": 2}, interval=(0.1, 0.2)),
        verdict_id="v1",
    )
    given = {"id": str(uuid4()), "created_at": NOON, "window_hours": 24, "trace_count": 5}
    return ReviewSession.model_validate({**given, "items": (item,), **changes})


def test_a_trace_comes_back_as_it_was_written_with_the_keys_of_other_writers(
    stores: Stores,
) -> None:
    trace = make_trace("a", version="a3f9b1c2")
    assert stores.traces.add([trace]) == (1, 0)
    assert stores.traces.find("a") == trace
    assert stores.traces.find("b") is None


def test_a_trace_that_is_there_stays_as_it_is(stores: Stores) -> None:
    first, second = make_trace("a"), make_trace("a", user="other")
    assert stores.traces.add([first, first]) == (1, 1)
    assert stores.traces.add([second, make_trace("b")]) == (1, 1)
    assert stores.traces.find("a") == first


def test_a_window_is_read_whole_in_order_beyond_one_page(stores: Stores) -> None:
    inside = [make_trace(f"{n:05}", f"2026-02-26T{n % 24:02}:00:00.000Z") for n in range(PAGE + 7)]
    outside = [make_trace("before", "2026-02-25T23:59:59.999Z"), make_trace("at end", DAY.end)]
    assert stores.traces.add([*inside, *outside]).new == PAGE + 9
    found = list(stores.traces.read(DAY))
    assert found == sorted(inside, key=lambda one: (one.created_at, one.trace_id))
    assert stores.traces.count(DAY) == PAGE + 7


def test_usage_is_summed_by_prompt_version(stores: Stores) -> None:
    late = "2026-02-26T20:00:00.000Z"
    stores.traces.add(
        [
            make_trace("a", version="old"),
            make_trace("b", version="old", user="u2"),
            make_trace("c", late, version="new"),
            make_trace("d", "2026-02-28T00:00:00.000Z", version="new"),
        ]
    )
    stores.traces.add_feedback(Feedback(trace_id="a", thumb="up", created_at=late))
    stores.traces.add_feedback(Feedback(trace_id="c", thumb="down", created_at=late))
    assert stores.traces.usage_by_version(DAY) == [
        VersionUsage("old", 2, 2, 0.5, 200, 14, 2, 4, 1, 0, NOON, NOON),
        VersionUsage("new", 1, 1, 0.25, 100, 7, 1, 2, 0, 1, late, late),
    ]


def test_feedback_is_kept_once_for_each_user_and_trace(stores: Stores) -> None:
    given = Feedback(trace_id="a", thumb="down", comment="wrong", created_at=NOON)
    assert stores.traces.add_feedback(given)
    assert not stores.traces.add_feedback(given.model_copy(update={"thumb": "up"}))
    assert stores.traces.add_feedback(given.model_copy(update={"channel_user_id": "x"}))
    assert [one.comment for one in stores.traces.read_feedback(DAY)] == ["wrong", "wrong"]


def make_message(name: str, at: str = NOON, **fields: str) -> ChannelMessage:
    known = {"channel_user_id": "u1", "role": "user", "content": "Write about tea"}
    return ChannelMessage.model_validate(
        {"channel_message_id": name, "created_at": at, **known, **fields}
    )


def test_messages_are_kept_once_and_lead_to_their_trace(stores: Stores) -> None:
    question = make_message("Q1", "2026-02-26T11:59:00.000Z")
    answer = make_message("A1", role="assistant", trace_id="a")
    outside = make_message("Q0", "2026-02-20T00:00:00.000Z")
    assert stores.traces.add_messages([answer, question, outside]) == 3
    assert stores.traces.add_messages([answer]) == 0
    assert list(stores.traces.read_messages(DAY)) == [question, answer]
    assert stores.traces.find_message_trace("A1") == "a"
    assert stores.traces.find_message_trace("Q1") == ""
    assert stores.traces.find_message_trace("none") == ""
    stores.traces.add([make_trace("a", user="u2")])
    stores.traces.erase_before(DAY.start)
    assert stores.traces.add_messages([outside]) == 1, "it was erased for its age"
    stores.traces.erase_user("u2")
    assert list(stores.traces.read_messages(DAY)) == [question], "its trace's went with it"
    stores.traces.erase_user("u1")
    assert list(stores.traces.read_messages(DAY)) == []


def test_all_of_one_user_is_erased_and_nothing_else(stores: Stores) -> None:
    stores.traces.add([make_trace("a"), make_trace("b"), make_trace("c", user="u2")])
    for trace, user in (("a", "u1"), ("c", "u1"), ("c", "u2")):
        stores.traces.add_feedback(
            Feedback(trace_id=trace, thumb="up", created_at=NOON, channel_user_id=user)
        )
    assert stores.traces.find_ids(user="u1") == ("a", "b")
    assert stores.traces.erase_user("u1") == ("a", "b")
    assert stores.traces.erase_user("u1") == ()
    assert [one.trace_id for one in stores.traces.read(DAY)] == ["c"]
    assert [one.channel_user_id for one in stores.traces.read_feedback(DAY)] == ["u2"]


def test_what_is_older_is_erased(stores: Stores) -> None:
    stores.traces.add([make_trace("old", "2026-02-01T00:00:00.000Z"), make_trace("new")])
    assert stores.traces.find_ids(before=DAY.start) == ("old",)
    assert stores.traces.erase_before(DAY.start) == 1
    assert stores.traces.find("new") is not None


def test_a_session_comes_back_and_moves_only_from_the_status_that_is_expected(
    stores: Stores,
) -> None:
    session = make_session(message_id="m1", session_count=3, average_cost_usd=0.044)
    assert stores.reviews.read_session(session.id) is None
    stores.reviews.save_session(session)
    stores.reviews.save_session(session)
    assert stores.reviews.read_session(session.id) == session
    done = session.model_copy(update={"status": SessionStatus.DEPLOYED, "notified_at": NOON})
    assert stores.reviews.move_session(done, expected=SessionStatus.PENDING)
    assert not stores.reviews.move_session(session, expected=SessionStatus.PENDING)
    assert stores.reviews.read_session(session.id) == done
    assert done.content_sha256 == session.content_sha256


def test_sessions_are_listed_newest_first(stores: Stores) -> None:
    sessions = [make_session(created_at=f"2026-02-{day}T06:00:00.000Z") for day in (20, 22, 21)]
    for session in sessions:
        stores.reviews.save_session(session)
    found = [one.created_at[8:10] for one in stores.reviews.list_sessions(limit=2)]
    assert found == ["22", "21"]


def test_settings_are_json_values_by_key(stores: Stores) -> None:
    stores.reviews.write_config("model", '"cheap"')
    stores.reviews.write_config("limits", '{"steps": 3}')
    stores.reviews.write_config("model", '"dear"')
    assert stores.reviews.read_config() == {"model": '"dear"', "limits": '{"steps": 3}'}


def test_a_database_of_this_kind_that_is_there_is_read_as_it_is(url: str, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    engine = open_engine(lab, url)
    json_type = "jsonb" if url else "text"
    moment = "timestamptz" if url else "text"
    with engine.begin() as connection:
        for table in ("observability_traces", "optimization_sessions", "prompt_lab_version"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        connection.execute(
            sa.text(
                "CREATE TABLE observability_traces (id integer, trace_id text UNIQUE,"
                f" created_at {moment}, channel text, channel_user_id text, user_message text,"
                f" final_message text, payload {json_type})"
            )
        )
        row = {"at": "2026-02-26 12:00:00+00:00" if url else NOON}
        connection.execute(
            sa.text(
                "INSERT INTO observability_traces VALUES (7, 'x', :at, NULL, 'u', 'hi', NULL,"
                """ '{"events": [{"type": "tool_result", "tool_name": "t", "success": false}]}')"""
            ),
            row,
        )
    engine.dispose()
    stores = open_stores(lab, url)
    (found,) = stores.traces.read(DAY)
    assert (found.trace_id, found.channel, found.user_message) == ("x", "", "hi")
    assert isinstance(found.payload.events[0], ToolResult)
    assert stores.traces.add([make_trace("y")]).new == 1


def test_messages_of_another_writer_are_read_and_stay_when_old(url: str, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    engine = open_engine(lab, url)
    moment = "timestamptz" if url else "text"
    at = "2026-02-26 12:00:00+00:00" if url else NOON
    with engine.begin() as connection:
        for table in ("messages", "prompt_lab_version"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        connection.execute(
            sa.text(f"CREATE TABLE messages (id integer, created_at {moment}, content text)")
        )
        connection.execute(sa.text(f"INSERT INTO messages VALUES (7, '{at}', 'hi')"))
    engine.dispose()
    store = open_stores(lab, url).traces
    [found] = store.read_messages(DAY)
    assert (found.content, found.role, found.trace_id) == ("hi", "", "")
    assert store.add_messages([make_message("A1")]) == 1
    store.erase_before(DAY.end)
    assert [one.content for one in store.read_messages(DAY)] == ["hi"]


@pytest.mark.slow
def test_times_of_another_writer_with_microseconds_are_paged_without_repeats(
    tmp_path: Path,
) -> None:
    with new_database() as url:
        engine = open_engine(Lab(tmp_path), url)
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO observability_traces (trace_id, created_at, payload)"
                    " SELECT n::text, '2026-02-26T12:00:00Z'::timestamptz + n * interval '7 us',"
                    " '{}' FROM generate_series(1, :many) n"
                ),
                {"many": PAGE + 7},
            )
        ids = [one.trace_id for one in open_stores(Lab(tmp_path), url).traces.read(DAY)]
    assert len(ids) == len(set(ids)) == PAGE + 7


def test_the_plans_of_the_queries_of_a_review_use_indexes(url: str, tmp_path: Path) -> None:
    engine = open_engine(Lab(tmp_path / "lab"), url)
    stores = open_stores(Lab(tmp_path / "lab"), url)
    stores.traces.add(
        make_trace(f"{n:05}", f"2026-01-{n % 28 + 1:02}T00:00:00Z") for n in range(3000)
    )
    explain = "EXPLAIN " if url else "EXPLAIN QUERY PLAN "
    query = (
        f"{explain}SELECT * FROM observability_traces WHERE created_at >= '2026-01-05'"
        " AND created_at < '2026-01-06' ORDER BY created_at, trace_id LIMIT 1000"
    )
    with engine.begin() as connection:
        if url:
            connection.execute(sa.text("ANALYZE observability_traces"))
        plan = " ".join(str(row) for row in connection.execute(sa.text(query)))
    assert "observability_traces_by_time" in plan


def test_two_processes_may_open_a_new_database_at_once(url: str, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: open_stores(lab, url), range(4)))
    assert sum(one.traces.add([make_trace("a")]).new for one in opened) == 1


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://user:secret@127.0.0.1:1/none", "postgresql+psycopg://user:***@127.0.0.1"),
        ("nonsense", "the database's address cannot be used"),
        ("oracle+other://x", "the database's address cannot be used"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence_without_its_password(
    tmp_path: Path, address: str, says: str
) -> None:
    with pytest.raises(StoreError) as caught:
        open_stores(Lab(tmp_path / "lab"), address)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(StoreError, match="file is not a database"):
        open_stores(Lab(tmp_path))


def test_states_of_items_decide_which_wait(url: str, tmp_path: Path) -> None:
    stores = open_stores(Lab(tmp_path / "lab"), url)
    session = make_session()
    removed = session.items[0].model_copy(update={"state": ItemState.REMOVED, "id": 2})
    stores.reviews.save_session(session.model_copy(update={"items": (*session.items, removed)}))
    engine = open_engine(Lab(tmp_path / "lab"), url)
    with engine.connect() as connection:
        waiting = connection.execute(
            sa.text("SELECT pending_item_ids FROM optimization_sessions")
        ).scalar_one()
    assert waiting in ([1], "[1]")


@pytest.mark.slow
def test_the_tables_of_the_supabase_migration_are_those_of_the_store(tmp_path: Path) -> None:
    files = sorted((Path(__file__).parents[4] / "supabase/migrations").glob("*.sql"))
    with new_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for _ in range(2):  # it may be run again
                for file in files:
                    connection.execute(file.read_text().encode())
        stores = open_stores(Lab(tmp_path), url)
        trace, session = make_trace("a"), make_session()
        stores.traces.add([trace])
        stores.reviews.save_session(session)
        assert stores.traces.find("a") == trace
        assert stores.reviews.read_session(session.id) == session
