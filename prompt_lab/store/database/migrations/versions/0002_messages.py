"""Messages of the agent's channel; a table of this name that is there gets what it lacks."""

from alembic import op

from prompt_lab.store.database.tables import MESSAGES, complete_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, or add the columns and indexes that it lacks."""
    complete_tables(op.get_bind(), op.add_column, [MESSAGES])


def downgrade() -> None:
    """Data is never dropped."""
