"""Traces and feedback in the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from prompt_lab.ports.trace_store import Added
from prompt_lab.store.database.rows import DatabaseRows
from prompt_lab.store.database.tables import FEEDBACK, MESSAGES, SESSIONS, TRACES, Moment
from prompt_lab.traces import ChannelMessage, Feedback, Payload, Trace, VersionUsage, Window

PAGE = 1000
"""Rows of one fetch; each page starts after the last row of the one before (keyset)."""
_TEXTS = tuple(column.name for column in TRACES.c if column.name != "payload")
_MOMENT = Moment()
_INSERT = (
    f"INSERT INTO {TRACES.name} ({', '.join((*_TEXTS, 'payload'))})"
    " VALUES ({0}) ON CONFLICT DO NOTHING"
)
_INSERTS = {
    "sqlite": _INSERT.format(", ".join("?" for _ in TRACES.c)),
    "postgresql": _INSERT.format(", ".join("%s" for _ in TRACES.c)),
}
"""As each driver has it: a statement of SQLAlchemy binds each value of each row by itself."""


class TraceRows(DatabaseRows):
    """ports.TraceStore on SQLite or PostgreSQL."""

    def add(self, traces: Iterable[Trace]) -> Added:
        """Write traces, a page in one transaction."""
        new = seen = 0
        given = iter(traces)
        while page := list(islice(given, PAGE)):
            rows = [_row(trace, self._engine.dialect) for trace in page]
            insert = _INSERTS[self._engine.dialect.name]
            with self._errors(), self._engine.begin() as connection:
                added = connection.exec_driver_sql(insert, rows).rowcount
            new, seen = new + added, seen + len(page)
        return Added(new, seen - new)

    def read(self, window: Window) -> Iterator[Trace]:
        """Every trace of the window, by (created_at, trace_id)."""
        is_postgres = self._engine.dialect.name == "postgresql"
        # Other writers' times have microseconds, which our form of a time leaves out.
        exact = sa.TIMESTAMP(timezone=True) if is_postgres else sa.Text()
        time = sa.type_coerce(TRACES.c.created_at, exact)
        after: tuple[Any, str] | None = None
        while True:
            query = sa.select(TRACES, time.label("exact_time")).where(*_within(TRACES, window))
            if after is not None:
                last = sa.tuple_(sa.bindparam(None, after[0], exact), sa.literal(after[1]))
                query = query.where(sa.tuple_(time, TRACES.c.trace_id) > last)
            query = query.order_by(TRACES.c.created_at, TRACES.c.trace_id).limit(PAGE)
            with self._errors(), self._engine.connect() as connection:
                rows = connection.execute(query).mappings().all()
            for row in rows:
                yield parse_trace_row(row)
            if len(rows) < PAGE:
                return
            after = rows[-1]["exact_time"], rows[-1]["trace_id"]

    def find(self, trace_id: str) -> Trace | None:
        """One trace."""
        query = sa.select(TRACES).where(TRACES.c.trace_id == trace_id)
        with self._errors(), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return parse_trace_row(row) if row else None

    def count(self, window: Window) -> int:
        """How many traces the window holds."""
        query = sa.select(sa.func.count()).select_from(TRACES).where(*_within(TRACES, window))
        with self._errors(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        """One row for each prompt version, by its first use."""
        query = _USAGE[self._engine.dialect.name]
        place = {"start": window.start, "end": window.end}
        with self._errors(), self._engine.connect() as connection:
            rows: Sequence[Any] = connection.execute(query, place).all()
        return [VersionUsage(*row) for row in rows]

    def add_feedback(self, feedback: Feedback) -> bool:
        """False where the same user's on this trace is there already."""
        row = feedback.model_dump(include=set(FEEDBACK.c.keys()))
        insert = self._insert(FEEDBACK).values(row).on_conflict_do_nothing()
        with self._errors(), self._engine.begin() as connection:
            return bool(connection.execute(insert.returning(FEEDBACK.c.trace_id)).all())

    def read_feedback(self, window: Window) -> list[Feedback]:
        """Feedback given in the window, oldest first."""
        query = sa.select(FEEDBACK).where(*_within(FEEDBACK, window))
        query = query.order_by(FEEDBACK.c.created_at, FEEDBACK.c.trace_id)
        with self._errors(), self._engine.connect() as connection:
            return [
                Feedback.model_validate(dict(row)) for row in connection.execute(query).mappings()
            ]

    def add_messages(self, messages: Iterable[ChannelMessage]) -> int:
        """Write messages; how many were new."""
        rows = [one.model_dump(include=set(ChannelMessage.model_fields)) for one in messages]
        if not rows:
            return 0
        insert = self._insert(MESSAGES).on_conflict_do_nothing()
        with self._errors(), self._engine.begin() as connection:
            added = insert.returning(MESSAGES.c.channel_message_id)
            return len(connection.execute(added, rows).all())

    def read_messages(self, window: Window) -> Iterator[ChannelMessage]:
        """Messages of the window, by time."""
        query = sa.select(MESSAGES).where(*_within(MESSAGES, window))
        query = query.order_by(MESSAGES.c.created_at)
        with self._errors(), self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=PAGE).execute(query).mappings()
            for row in rows:
                known = {name: row[name] or "" for name in MESSAGES.c.keys()}  # noqa: SIM118
                yield ChannelMessage.model_validate(known)

    def find_message_trace(self, channel_message_id: str) -> str:
        """Id of the trace that a message belongs to; '' where none is known."""
        query = sa.select(MESSAGES.c.trace_id)
        query = query.where(MESSAGES.c.channel_message_id == channel_message_id)
        with self._errors(), self._engine.connect() as connection:
            return connection.execute(query).scalar() or ""

    def find_ids(self, *, user: str = "", before: str = "") -> tuple[str, ...]:
        """Ids of the traces of one user, or of those older than a time; sorted."""
        query = sa.select(TRACES.c.trace_id).order_by(TRACES.c.trace_id)
        query = query.where(TRACES.c.channel_user_id == user) if user else query
        query = query.where(TRACES.c.created_at < before) if before else query
        with self._errors(), self._engine.connect() as connection:
            return tuple(connection.execute(query).scalars())

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        """Delete traces, feedback and messages of one user; the ids of the traces."""
        gone = sa.delete(TRACES).where(TRACES.c.channel_user_id == channel_user_id)
        with self._errors(), self._engine.begin() as connection:
            ids = tuple(sorted(connection.execute(gone.returning(TRACES.c.trace_id)).scalars()))
            about = sa.or_(
                FEEDBACK.c.channel_user_id == channel_user_id, FEEDBACK.c.trace_id.in_(ids)
            )
            connection.execute(sa.delete(FEEDBACK).where(about))
            said = sa.or_(
                MESSAGES.c.channel_user_id == channel_user_id, MESSAGES.c.trace_id.in_(ids)
            )
            connection.execute(sa.delete(MESSAGES).where(said))
            sent = SESSIONS.c.channel_user_id == channel_user_id
            connection.execute(sa.update(SESSIONS).where(sent).values(channel_user_id=""))
        return ids

    def erase_before(self, time: str) -> int:
        """Delete what is older; how many traces that was."""
        with self._errors(), self._engine.begin() as connection:
            done = connection.execute(sa.delete(TRACES).where(TRACES.c.created_at < time))
            kept = sa.select(TRACES.c.trace_id)
            connection.execute(sa.delete(FEEDBACK).where(FEEDBACK.c.trace_id.not_in(kept)))
            ours = MESSAGES.c.channel_message_id.is_not(None)
            connection.execute(sa.delete(MESSAGES).where(MESSAGES.c.created_at < time, ours))
            return int(done.rowcount)


def _within(table: sa.Table, window: Window) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.created_at >= window.start, table.c.created_at < window.end


def _row(trace: Trace, dialect: sa.Dialect) -> tuple[Any, ...]:
    """The values as the driver takes them; the payload goes as the text that pydantic writes."""
    time = _MOMENT.process_bind_param(trace.created_at, dialect)
    texts = (time if name == "created_at" else getattr(trace, name) for name in _TEXTS)
    return (*texts, trace.payload.model_dump_json(exclude_none=True))


def parse_trace_row(row: Mapping[Any, Any]) -> Trace:
    """A trace that a writer of another kind stored may lack anything but its id and its time."""
    known = {name: row[name] or "" for name in _TEXTS}
    payload = row["payload"] if isinstance(row["payload"], dict) else {}
    return Trace.model_validate({**known, "payload": Payload.model_validate(payload)})


_VERSION = {
    "sqlite": "coalesce(json_extract(payload, '$.prompt_version'), '')",
    "postgresql": "coalesce(payload ->> 'prompt_version', '')",
}
_SUM = {
    "sqlite": "coalesce(sum(json_extract(payload, '$.summary.{0}')), 0)",
    "postgresql": "coalesce(sum((payload -> 'summary' ->> '{0}')::numeric), 0)",
}
_EVENTS = {
    "sqlite": (
        "coalesce(sum((SELECT count(*) FROM json_each(payload, '$.events') e"
        " WHERE json_extract(e.value, '$.type') = 'tool_result'{0})), 0)"
    ),
    "postgresql": (
        "coalesce(sum((SELECT count(*) FROM jsonb_array_elements(coalesce(payload -> 'events',"
        " '[]'::jsonb)) e WHERE e ->> 'type' = 'tool_result'{0})), 0)"
    ),
}
_FAILED = {
    "sqlite": " AND json_extract(e.value, '$.success') = 0",
    "postgresql": " AND e ->> 'success' = 'false'",
}
_REAL = {"sqlite": "{0}", "postgresql": "({0})::float8"}
_WHOLE = {"sqlite": "{0}", "postgresql": "({0})::bigint"}
_THUMBS = (
    "(SELECT count(*) FROM trace_feedback f JOIN observability_traces g ON g.trace_id = f.trace_id"
    " WHERE f.thumb = '{0}' AND {1} = version AND g.created_at >= :start AND g.created_at < :end)"
)


def _usage(name: str) -> sa.TextualSelect:
    version = _VERSION[name]
    of_feedback = version.replace("payload", "g.payload")
    whole, real = _WHOLE[name], _REAL[name]
    sums = [
        f"{version} AS version",
        "count(DISTINCT coalesce(nullif(session_id, ''), trace_id)) AS sessions",
        "count(*) AS traces",
        real.format(_SUM[name].format("total_cost_usd")) + " AS cost",
        whole.format(_SUM[name].format("total_input_tokens")) + " AS input_tokens",
        whole.format(_SUM[name].format("total_output_tokens")) + " AS output_tokens",
        whole.format(_EVENTS[name].format(_FAILED[name])) + " AS failed",
        whole.format(_EVENTS[name].format("")) + " AS calls",
        "min(created_at) AS first",
        "max(created_at) AS last",
    ]
    inner = (
        f"SELECT {', '.join(sums)} FROM observability_traces"
        " WHERE created_at >= :start AND created_at < :end GROUP BY 1"
    )
    thumbs = [_THUMBS.format(thumb, of_feedback) for thumb in ("up", "down")]
    names = "version, sessions, traces, cost, input_tokens, output_tokens, failed, calls"
    moment = TRACES.c.created_at.type
    query = sa.text(
        f"SELECT {names}, {thumbs[0]} AS up, {thumbs[1]} AS down, first, last FROM ({inner}) used"
        " ORDER BY first, version"
    )
    query = query.bindparams(sa.bindparam("start", type_=moment), sa.bindparam("end", type_=moment))
    columns: list[sa.ColumnClause[Any]] = [
        sa.column(name) for name in (*names.split(", "), "up", "down")
    ]
    return query.columns(*columns, sa.column("first", moment), sa.column("last", moment))


_USAGE = {name: _usage(name) for name in _VERSION}
