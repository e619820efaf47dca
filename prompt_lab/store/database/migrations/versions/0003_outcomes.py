"""The outcome log of prepared prompts."""

from alembic import op

from prompt_lab.store.database.tables import OUTCOMES

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and its indexes where they are missing; a new database has them already."""
    connection = op.get_bind()
    OUTCOMES.create(connection, checkfirst=True)
    for index in OUTCOMES.indexes:
        index.create(connection, checkfirst=True)


def downgrade() -> None:
    """Data is never dropped."""
