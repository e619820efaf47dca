"""What Alembic runs: it gets its connection from prompt_lab.store.database.engine."""

from alembic import context

from prompt_lab.store.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    version_table="prompt_lab_version",
)
with context.begin_transaction():
    context.run_migrations()
