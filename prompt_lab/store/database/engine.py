"""Open the lab's database: SQLite in the lab by default, PostgreSQL by its address."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from filelock import FileLock
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from prompt_lab.errors import StoreError
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.ports.trace_store import Stores
from prompt_lab.store.database.errors import database_errors
from prompt_lab.store.database.outcome_rows import OutcomeRows
from prompt_lab.store.database.review_rows import ReviewRows
from prompt_lab.store.database.trace_rows import TraceRows
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab

FILE = "state.db"
BUSY_SECONDS = 30
_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x70726C61
"""Of PostgreSQL's advisory locks: one process at a time changes tables."""


def open_stores(lab: Lab, url: str = "") -> Stores:
    """The stores of a lab, with their tables as this version needs them.

    `url`: an address of SQLAlchemy such as 'postgresql+psycopg://user@host/name'; '' is
    `state.db` in the lab. Raises StoreError.
    """
    engine = open_engine(lab, url)
    return Stores(TraceRows(engine), ReviewRows(engine))


def open_outcomes(lab: Lab, url: str = "") -> OutcomeStore:
    """The outcome log in the same database. `url` is as in open_stores. Raises StoreError."""
    return OutcomeRows(open_engine(lab, url))


def open_engine(lab: Lab, url: str = "") -> sa.Engine:
    """The database with its migrations run. Raises StoreError."""
    path = lab.root / FILE
    if not url:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = sa.create_engine(_address(url) or f"sqlite:///{path.absolute()}")
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise StoreError(
            f"the database's address cannot be used: {type(error).__name__}. It is one like"
            " postgresql://user@host/name; PostgreSQL needs `pip install prompt-lab[postgres]`."
        ) from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    with database_errors(engine):
        _migrate(engine, path if not url else None)
    return engine


def _address(url: str) -> str:
    """psycopg, version 3, for a plain PostgreSQL address."""
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return f"postgresql+psycopg://{url.removeprefix(plain)}"
    return url


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _migrate(engine: sa.Engine, path: Path | None) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS))
    if path is None:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return
    with disk_errors(path), FileLock(f"{path}.lock"), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
