"""Traces and reviews of a Supabase project over its REST API, where its database is not reached.

Sums and pages come from the functions of supabase/migrations: a read of a table is cut at the
project's `max rows` without a word, and aggregates are off by default.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from adapters.traces._postgrest_http import PostgrestClient, Query, Row
from prompt_lab.clock import write_time
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.ports.trace_store import Added, Stores
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.store.database.review_rows import make_session_row, parse_session_row
from prompt_lab.store.database.trace_rows import parse_trace_row
from prompt_lab.traces import ChannelMessage, Feedback, Trace, VersionUsage, Window

URL, KEY = "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"
PAGE = 500
"""Rows of one call, below the 1,000 at which Supabase cuts by default. An empty page ends a read,
never a short one: a project may cut earlier."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TRACE_TEXTS = tuple(name for name in Trace.model_fields if name != "payload")
_FEEDBACK_KEY = "trace_id,channel_user_id"


class PostgrestTraces:
    """ports.TraceStore over PostgREST."""

    def __init__(self, client: PostgrestClient) -> None:
        self._client = client

    def add(self, traces: Iterable[Trace]) -> Added:
        """Write traces, a page in one request."""
        new = seen = 0
        given = iter(traces)
        while page := list(islice(given, PAGE)):
            rows = list({trace.trace_id: _make_trace_row(trace) for trace in page}.values())
            new += len(self._client.insert("observability_traces", rows, key="trace_id"))
            seen += len(page)
        return Added(new, seen - new)

    def read(self, window: Window) -> Iterator[Trace]:
        """Every trace of the window, by (created_at, trace_id)."""
        names = {"after_time": "created_at", "after_id": "trace_id"}
        for row in self._read_pages("prompt_lab_read_traces", window, names):
            yield parse_trace_row(_with_time(row))

    def find(self, trace_id: str) -> Trace | None:
        """One trace."""
        rows = self._client.select("observability_traces", {"trace_id": f"eq.{trace_id}"})
        return parse_trace_row(_with_time(rows[0])) if rows else None

    def count(self, window: Window) -> int:
        """How many traces the window holds."""
        return int(self._client.call("prompt_lab_count_traces", _times(window)))

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        """One row for each prompt version, by its first use; at most 1,000 versions."""
        rows = self._client.call("prompt_lab_usage_by_version", _times(window))
        return [
            VersionUsage(**row, first=_read_time(first), last=_read_time(last))
            for row in rows
            for first, last in [(row.pop("first_at"), row.pop("last_at"))]
        ]

    def add_feedback(self, feedback: Feedback) -> bool:
        """False where the same user's on this trace is there already."""
        row = feedback.model_dump(include=set(Feedback.model_fields))
        return bool(self._client.insert("trace_feedback", [row], key=_FEEDBACK_KEY))

    def read_feedback(self, window: Window) -> list[Feedback]:
        """Feedback given in the window, oldest first."""
        names = {
            "after_time": "created_at",
            "after_id": "trace_id",
            "after_user": "channel_user_id",
        }
        rows = self._read_pages("prompt_lab_read_feedback", window, names)
        return [Feedback.model_validate(_with_time(row)) for row in rows]

    def add_messages(self, messages: Iterable[ChannelMessage]) -> int:
        """Write messages; how many were new."""
        new, given = 0, iter(messages)
        while page := list(islice(given, PAGE)):
            rows = [one.model_dump(include=set(ChannelMessage.model_fields)) for one in page]
            new += len(self._client.insert("messages", rows, key="channel_message_id"))
        return new

    def read_messages(self, window: Window) -> Iterator[ChannelMessage]:
        """Messages of the window, by time."""
        names = {"after_time": "created_at", "after_hash": "row_hash"}
        for row in self._read_pages("prompt_lab_read_messages", window, names):
            known = {name: row.get(name) or "" for name in ChannelMessage.model_fields}
            yield ChannelMessage.model_validate(_with_time(known))

    def find_message_trace(self, channel_message_id: str) -> str:
        """Id of the trace that a message belongs to; '' where none is known."""
        query = {"channel_message_id": f"eq.{channel_message_id}", "select": "trace_id"}
        rows = self._client.select("messages", query)
        return str(rows[0]["trace_id"] or "") if rows else ""

    def find_ids(self, *, user: str = "", before: str = "") -> tuple[str, ...]:
        """Ids of the traces of one user, or of those older than a time; sorted."""
        found: list[str] = []
        asked = {"user_id": user, "before_time": before or None, "page_size": PAGE}
        while True:
            last = found[-1] if found else ""
            page = self._client.call("prompt_lab_find_ids", {**asked, "after_id": last})
            if not page:
                return tuple(sorted(found))
            found += map(str, page)

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        """Delete all of one user; the ids of the traces."""
        asked = {"user_id": channel_user_id}
        return tuple(sorted(self._client.call("prompt_lab_erase_user", asked, repeats=False)))

    def erase_before(self, time: str) -> int:
        """Delete what is older; how many traces that was."""
        asked = {"before_time": time}
        return int(self._client.call("prompt_lab_erase_before", asked, repeats=False))

    def _read_pages(self, function: str, window: Window, names: Mapping[str, str]) -> Iterator[Row]:
        """The rows of a window. `names`: argument of the next page -> column of the last row."""
        after: Row = dict.fromkeys(names, "") | {"after_time": None}
        while True:
            asked = {**_times(window), **after, "page_size": PAGE}
            rows = self._client.call(function, asked)
            if not rows:
                return
            yield from rows
            after = {argument: rows[-1][column] for argument, column in names.items()}


class PostgrestReviews:
    """ports.ReviewStore over PostgREST."""

    def __init__(self, client: PostgrestClient) -> None:
        self._client = client

    def save_session(self, session: ReviewSession) -> None:
        """Write the session, or write it again."""
        row = make_session_row(session)
        self._client.insert("optimization_sessions", [row], key="id", merges=True)

    def read_session(self, session_id: str) -> ReviewSession | None:
        """One session."""
        if not _is_uuid(session_id):
            return None  # the service would refuse it as no UUID
        rows = self._client.select("optimization_sessions", {"id": f"eq.{session_id}"})
        return _parse_session(rows[0]) if rows else None

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        """Newest first."""
        found: list[ReviewSession] = []
        while len(found) < limit:
            query: Query = {"order": "created_at.desc,id.asc", "offset": len(found)}
            query = {**query, "limit": limit - len(found)}
            rows = self._client.select("optimization_sessions", query)
            if not rows:
                break
            found += map(_parse_session, rows)
        return found

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        """Write the session if the stored one has the expected status; False if not."""
        filters = {"id": f"eq.{session.id}", "status": f"eq.{expected.value}", "select": "id"}
        row = make_session_row(session)
        return bool(self._client.update("optimization_sessions", filters, row))

    def read_config(self) -> dict[str, str]:
        """Key -> JSON value."""
        found: dict[str, str] = {}
        while True:
            query: Query = {"order": "key.asc", "limit": PAGE, "offset": len(found)}
            rows = self._client.select("agent_config", query)
            if not rows:
                return found
            found |= {str(row["key"]): json.dumps(row["value"], ensure_ascii=False) for row in rows}

    def write_config(self, key: str, value: str) -> None:
        """Set one value, given as JSON. Raises ValueError where it is none."""
        row = {"key": key, "value": json.loads(value)}
        self._client.insert("agent_config", [row], key="key", merges=True)


def open_supabase(environment: Mapping[str, str] = os.environ) -> Stores:
    """The stores of the project that the environment names. Raises ConfigError for what is wrong.

    Nothing is called before the first read or write.
    """
    url, key = (environment.get(name, "").strip() for name in (URL, KEY))
    faults = [f"{name} is not set: a Supabase project needs it, or PROMPTLAB_STORE its database"
              for name, value in ((URL, url), (KEY, key)) if not value]  # fmt: skip
    place = urlsplit(url)
    is_safe = place.scheme == "https" or place.hostname in _LOOPBACK
    if url and (not is_safe or "@" in place.netloc):
        faults.append(f"{URL} must be an https:// URL without a user: a key is sent there")
    if not (key.isascii() and key.isprintable() and " " not in key):
        faults.append(f"{KEY} holds a character that no key has: copy it again")
    if faults:
        raise ConfigError(faults)
    headers = {"apikey": key, "authorization": f"Bearer {key}"}
    http = httpx.Client(base_url=f"{place.scheme}://{place.netloc}", headers=headers, timeout=60.0)
    client = PostgrestClient(http, key)
    return Stores(PostgrestTraces(client), PostgrestReviews(client))


def _times(window: Window) -> Row:
    return {"start_time": window.start, "end_time": window.end}


def _make_trace_row(trace: Trace) -> Row:
    row = {name: getattr(trace, name) for name in _TRACE_TEXTS}
    return {**row, "payload": trace.payload.model_dump(mode="json", exclude_none=True)}


def _parse_session(row: Row) -> ReviewSession:
    notified = row["notified_at"] and _read_time(row["notified_at"])
    return parse_session_row({**_with_time(row), "notified_at": notified})


def _with_time(row: Row) -> Row:
    return {**row, "created_at": _read_time(row["created_at"])}


def _read_time(text: Any) -> str:
    """A `timestamptz` as JSON, in our form."""
    try:
        return write_time(datetime.fromisoformat(text))
    except (TypeError, ValueError) as error:
        raise StoreError(f"Supabase: {text!r} is no time stamp") from error


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
