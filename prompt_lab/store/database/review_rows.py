"""Review sessions and the agent's settings in the database."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from prompt_lab.reviews import Item, ItemState, ReviewSession, SessionStatus
from prompt_lab.store.database.rows import DatabaseRows
from prompt_lab.store.database.tables import SESSIONS, SETTINGS

_OWN = ("id", "created_at", "status", "window_hours", "trace_count", "analysis_text")
_SHARED = (*_OWN, "channel_user_id", "notified_at")
"""Fields of a session that are columns of the same name."""
_OPEN = (ItemState.PENDING, ItemState.UNTESTED)


class ReviewRows(DatabaseRows):
    """ports.ReviewStore on SQLite or PostgreSQL."""

    def save_session(self, session: ReviewSession) -> None:
        """Write the session, or write it again."""
        row = make_session_row(session)
        insert = self._insert(SESSIONS).values(row)
        rest = {name: value for name, value in row.items() if name != "id"}
        with self._errors(), self._engine.begin() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=rest))

    def read_session(self, session_id: str) -> ReviewSession | None:
        """One session."""
        query = sa.select(SESSIONS).where(SESSIONS.c.id == session_id)
        with self._errors(), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return parse_session_row(row) if row else None

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        """Newest first."""
        query = sa.select(SESSIONS).order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.id)
        with self._errors(), self._engine.connect() as connection:
            return [
                parse_session_row(row) for row in connection.execute(query.limit(limit)).mappings()
            ]

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        """Write the session if the stored one has the expected status; False if not."""
        row = make_session_row(session)
        held = sa.and_(SESSIONS.c.id == session.id, SESSIONS.c.status == expected.value)
        with self._errors(), self._engine.begin() as connection:
            done = connection.execute(sa.update(SESSIONS).where(held).values(row))
            return bool(done.rowcount)

    def read_config(self) -> dict[str, str]:
        """Key -> JSON value."""
        with self._errors(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(SETTINGS.c.key, SETTINGS.c.value)).all()
        return {key: json.dumps(value, ensure_ascii=False) for key, value in rows}

    def write_config(self, key: str, value: str) -> None:
        """Set one value, given as JSON. Raises ValueError where it is none."""
        row = {"key": key, "value": json.loads(value)}
        insert = self._insert(SETTINGS).values(row)
        with self._errors(), self._engine.begin() as connection:
            connection.execute(
                insert.on_conflict_do_update(index_elements=["key"], set_={"value": row["value"]})
            )


def make_session_row(session: ReviewSession) -> dict[str, Any]:
    """Columns of a session -> values, times as text; None where there is no time."""
    told = session.model_dump(mode="json")
    items = told.pop("items")
    shared = {name: told.pop(name) for name in _SHARED}
    return {
        **shared,
        "notified_at": session.notified_at or None,
        "action_items": items,
        "pending_item_ids": [item.id for item in session.items if item.state in _OPEN],
        "details": told,
    }


def parse_session_row(row: Mapping[Any, Any]) -> ReviewSession:
    """The session of a row whose times are in our form."""
    shared = {name: row[name] for name in _SHARED if row[name] is not None}
    shared["id"] = str(shared["id"])
    items = tuple(Item.model_validate(one) for one in row["action_items"] or ())
    return ReviewSession.model_validate({**(row["details"] or {}), **shared, "items": items})
