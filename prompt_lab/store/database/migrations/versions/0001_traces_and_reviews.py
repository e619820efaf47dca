"""Traces, feedback, review sessions and the agent's settings; what is there already stays."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from prompt_lab.store.database.tables import ADDED_COLUMNS, METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables that are missing, and add the columns and indexes that they lack."""
    connection = op.get_bind()
    there = set(sa.inspect(connection).get_table_names())
    METADATA.create_all(connection)
    for table, name in ADDED_COLUMNS:
        known = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        if table.name in there and name not in known:
            op.add_column(table.name, _copy_column(table.c[name]))
    for table in METADATA.sorted_tables:
        if table.name in there:
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


def downgrade() -> None:
    """Data is never dropped."""
