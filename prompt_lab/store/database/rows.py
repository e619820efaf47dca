"""What the classes that read and write rows share."""

from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from prompt_lab.store.database.errors import database_errors


class DatabaseRows:
    """Rows of one database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def _insert(self, table: sa.Table) -> Any:
        """An INSERT that may say what to do with a row that is there already."""
        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return kind.insert(table)

    def _errors(self) -> AbstractContextManager[None]:
        return database_errors(self._engine)
