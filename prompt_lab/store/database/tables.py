"""The tables of the lab's database, in the form of an existing Supabase database of this kind.

Columns of ours that such a database lacks are added by a migration; nothing of it is changed.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from prompt_lab.clock import write_time

METADATA = sa.MetaData()
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
NUMBERS = sa.JSON().with_variant(postgresql.ARRAY(sa.Integer), "postgresql")


class Moment(TypeDecorator[str]):
    """A UTC time stamp in ISO 8601: `timestamptz` in PostgreSQL, text of equal order in SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """The type of the database's own."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Raises ValueError where the text is no time."""
        if not value:
            return None
        time = datetime.fromisoformat(value)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return time if dialect.name == "postgresql" else write_time(time)

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> str:
        """'' where the database has none."""
        return write_time(value) if isinstance(value, datetime) else value or ""


TRACES = sa.Table(
    "observability_traces",
    METADATA,
    sa.Column("trace_id", sa.Text, primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False, server_default=""),
    sa.Column("channel", sa.Text, nullable=False, server_default=""),
    sa.Column("channel_user_id", sa.Text, nullable=False, server_default=""),
    sa.Column("user_message", sa.Text, nullable=False, server_default=""),
    sa.Column("final_message", sa.Text, nullable=False, server_default=""),
    sa.Column("payload", JSON, nullable=False),
    sa.Index("observability_traces_by_time", "created_at", "trace_id"),
    sa.Index("observability_traces_by_user", "channel_user_id"),
)
FEEDBACK = sa.Table(
    "trace_feedback",
    METADATA,
    sa.Column("trace_id", sa.Text, primary_key=True),
    sa.Column("channel_user_id", sa.Text, primary_key=True),
    sa.Column("thumb", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("trace_feedback_by_time", "created_at"),
    sa.Index("trace_feedback_by_user", "channel_user_id"),
)
SESSIONS = sa.Table(
    "optimization_sessions",
    METADATA,
    sa.Column("id", sa.Uuid(as_uuid=False).with_variant(sa.Text, "sqlite"), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("window_hours", sa.Float, nullable=False),
    sa.Column("trace_count", sa.Integer, nullable=False),
    sa.Column("analysis_text", sa.Text, nullable=False, server_default=""),
    sa.Column("action_items", JSON, nullable=False),
    sa.Column("pending_item_ids", NUMBERS, nullable=False),
    sa.Column("channel_user_id", sa.Text, nullable=False, server_default=""),
    sa.Column("notified_at", Moment),
    sa.Column("details", JSON),
    sa.Index("optimization_sessions_by_time", "created_at"),
)
MESSAGES = sa.Table(
    "messages",
    METADATA,
    sa.Column("created_at", Moment),
    sa.Column("channel", sa.Text, nullable=False, server_default=""),
    sa.Column("channel_user_id", sa.Text, nullable=False, server_default=""),
    sa.Column("role", sa.Text, nullable=False, server_default=""),
    sa.Column("content", sa.Text, nullable=False, server_default=""),
    sa.Column("trace_id", sa.Text, nullable=False, server_default=""),
    sa.Column("channel_message_id", sa.Text),
    sa.Index("messages_by_channel_message", "channel_message_id", unique=True),
    sa.Index("messages_by_time", "created_at"),
    sa.Index("messages_by_user", "channel_user_id"),
)
SETTINGS = sa.Table(
    "agent_config",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", JSON, nullable=False),
)
TEXTS = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
OUTCOMES = sa.Table(
    "prompt_outcomes",
    METADATA,
    sa.Column("trace", sa.Text, primary_key=True),
    sa.Column("called_at", Moment, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("prompt_id", sa.Text),
    sa.Column("task_class", sa.Text),
    sa.Column("variant", sa.Text),
    sa.Column("snapshot", sa.Text),
    sa.Column("arm", sa.Text),
    sa.Column("unit", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("success", sa.Boolean),
    sa.Column("score", sa.Double),
    sa.Column("parsed", sa.Boolean),
    sa.Column("schema_ok", sa.Boolean),
    sa.Column("confidence", sa.Double),
    sa.Column("grounding", sa.Double),
    sa.Column("source_count", sa.Integer),
    sa.Column("feedback", sa.Text),
    sa.Column("latency_ms", sa.Double),
    sa.Column("cost_usd", sa.Double),
    sa.Column("question", sa.Text),
    sa.Column("sources", TEXTS),
    sa.Column("answer", sa.Text),
    sa.Column("expected", TEXTS),
    sa.Column("error", sa.Text),
    sa.Index("prompt_outcomes_by_time", "called_at", "trace"),
    sa.Index("prompt_outcomes_by_prompt", "prompt_id", "called_at", "trace"),
    sa.Index("prompt_outcomes_by_unit", "unit"),
)
"""Null where nothing is known: a later row of the same trace fills it in."""
ADDED_COLUMNS = (
    (TRACES, "session_id"),
    (TRACES, "channel"),
    (TRACES, "channel_user_id"),
    (TRACES, "user_message"),
    (TRACES, "final_message"),
    (SESSIONS, "details"),
    *((MESSAGES, column.name) for column in MESSAGES.columns),
)
"""Columns that an existing table may lack, each with a default or null."""


def complete_tables(
    connection: sa.Connection,
    add_column: Callable[[str, sa.Column[Any]], object],
    tables: Sequence[sa.Table],
) -> None:
    """Make the tables that are missing, and add the columns and indexes that the others lack."""
    there = set(sa.inspect(connection).get_table_names())
    METADATA.create_all(connection, tables=list(tables))
    for table in (one for one in tables if one.name in there):
        known = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for other, name in ADDED_COLUMNS:
            if other is table and name not in known:
                add_column(table.name, _copy_column(table.c[name]))
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _copy_column(column: sa.Column[Any]) -> sa.Column[Any]:
    """The same column, of no table yet."""
    return sa.Column(
        column.name,
        column.type,
        nullable=column.nullable,
        server_default=None if column.server_default is None else "",
    )
