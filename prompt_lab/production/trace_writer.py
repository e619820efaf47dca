"""A few lines for an agent: write a trace of each request, and what users thought of the answer."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from prompt_lab.clock import utc_now
from prompt_lab.experiments.lab_handle import open_lab
from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.production.ingest import redact_trace
from prompt_lab.prompts.secret_patterns import hide_secrets
from prompt_lab.redact import Redactor
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.layout import Lab
from prompt_lab.traces import ChannelMessage, Feedback, Payload, Trace, summarize

DATABASE, PROJECT = "PROMPTLAB_STORE", "SUPABASE_URL"


class TraceWriter:
    """Writes into a lab's database.

    >>> import tempfile
    >>> writer = TraceWriter(tempfile.mkdtemp())
    >>> writer.write_trace("t1", user_message="Hi", final_message="Hello", events=[
    ...     {"type": "agent_call", "model": "m", "tokens": {"input": 9, "output": 2}}])
    True
    >>> writer.record_feedback("t1", "up"), writer.record_feedback("t1", "down")
    (True, False)
    """

    def __init__(self, lab: str | Path, url: str = "") -> None:
        """`url`: the database; default: PROMPTLAB_STORE, else the Supabase project SUPABASE_URL,
        else `state.db` in the lab.

        Raises StoreError, and ConfigError where the project's key is missing.
        """
        url = url or os.environ.get(DATABASE, "")
        if not url and os.environ.get(PROJECT):
            open_project = open_lab(lab).context.load_adapter("stores", "supabase")
            self._store: TraceStore = open_project(os.environ).traces
        else:
            self._store = open_stores(Lab(Path(lab)), url).traces
        self._redactor = Redactor([])

    def write_trace(
        self,
        trace_id: str,
        *,
        user_message: str,
        final_message: str,
        events: Iterable[Mapping[str, Any]] = (),
        session_id: str = "",
        user_id: str = "",
        channel: str = "",
        created_at: str = "",
        **payload: Any,
    ) -> bool:
        """Write one request; False where that id is there already. `payload`: fields of Payload.

        Keys and passwords are hidden. Raises StoreError, and ValueError for what is no trace.
        """
        given = Payload.model_validate({**payload, "events": tuple(events)})
        if "summary" not in payload:
            given = given.model_copy(update={"summary": summarize(given.events)})
        trace = Trace(
            trace_id=trace_id,
            created_at=created_at or utc_now(),
            session_id=session_id,
            channel=channel,
            channel_user_id=user_id,
            user_message=user_message,
            final_message=final_message,
            payload=given,
        )
        return self._store.add([redact_trace(trace, self._redactor)]).new == 1

    def record_message(
        self,
        message_id: str,
        trace_id: str = "",
        *,
        content: str = "",
        role: Literal["user", "assistant"] = "assistant",
        user_id: str = "",
        channel: str = "",
        created_at: str = "",
    ) -> bool:
        """Record a message of the channel, by the channel's id of it; False where it is there.

        With it a thumb that quotes the agent's answer finds its trace, and a user's message that
        the agent did not answer is counted. Raises StoreError.
        """
        if not message_id:
            raise ValueError("message_id is empty: give the channel's id of the message")
        message = ChannelMessage(
            created_at=created_at or utc_now(),
            channel=channel,
            channel_user_id=user_id,
            role=role,
            content=hide_secrets(content),
            trace_id=trace_id,
            channel_message_id=message_id,
        )
        return self._store.add_messages([message]) == 1

    def record_feedback(
        self, trace_id: str, thumb: Literal["up", "down"], comment: str = "", *, user_id: str = ""
    ) -> bool:
        """Record a thumb; False where that user's is there already. Raises StoreError."""
        given = Feedback(
            trace_id=trace_id,
            thumb=thumb,
            comment=hide_secrets(comment),
            created_at=utc_now(),
            channel_user_id=user_id,
        )
        return self._store.add_feedback(given)
