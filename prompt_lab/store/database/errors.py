"""Errors of the database in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from prompt_lab.errors import StoreError


@contextmanager
def database_errors(engine: sa.Engine) -> Iterator[None]:
    """Turn errors of the database into StoreError, with its place and without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines() or ["no answer"]
        raise StoreError(f"{engine.url.render_as_string()}: {said[0]}") from error
