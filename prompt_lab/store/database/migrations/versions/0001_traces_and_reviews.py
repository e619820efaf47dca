"""Traces, feedback, review sessions and the agent's settings; what is there already stays."""

from alembic import op

from prompt_lab.store.database.tables import METADATA, complete_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables that are missing, and add the columns and indexes that they lack."""
    complete_tables(op.get_bind(), op.add_column, METADATA.sorted_tables)


def downgrade() -> None:
    """Data is never dropped."""
