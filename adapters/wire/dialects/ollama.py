"""Ollama's chat: streams unless the request says no, one JSON object a line."""

from datetime import UTC, datetime
from typing import Any

from adapters.wire.dialects.base import (
    Ask,
    Body,
    Dialect,
    Message,
    Reply,
    ReplyHeader,
    dump,
    events,
    load,
    normalize_finish,
    object_in,
    select_settings,
    tools_of,
)

_SETTINGS = {
    "num_predict": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "seed": "seed",
}


class OllamaDialect(Dialect):
    """POST /api/chat."""

    path = "/api/chat"
    stream_type = "application/x-ndjson"

    def streams(self, body: Body) -> bool:
        """`stream` is true unless it is said."""
        return bool(body.get("stream", True))

    def ask(self, body: Body) -> Ask:
        """A schema comes by `format`; options that only Ollama has are dropped."""
        messages, refused = [], []
        for said in body.get("messages") or []:
            messages.append(Message(said.get("role", "user"), said.get("content") or ""))
            refused += [f"{key} in a message" for key in ("images", "tool_calls") if said.get(key)]
        options = body.get("options") if isinstance(body.get("options"), dict) else {}
        tools = tools_of(body.get("tools"), None)
        function = tools.tool["function"] if tools.tool else {}
        form = body.get("format")
        return Ask(
            tuple(messages),
            schema=function.get("parameters") or (form if isinstance(form, dict) else None),
            json_object=form == "json",
            tool=function.get("name", ""),
            settings=select_settings(options or {}, _SETTINGS),
            refused=(*refused, *tools.refused),
            dropped=(
                *tools.dropped,
                *(f"options.{k}" for k in options or {} if k not in _SETTINGS),
            ),
        )

    def read(self, raw: bytes) -> Reply:
        """One object with the whole message."""
        found = load(raw)
        if not isinstance(found.get("message"), dict):
            raise ValueError("it has no message")
        return _reply(found, _message_text(found))

    def read_stream(self, raw: bytes) -> Reply:
        """The pieces together; the last one says that it is done."""
        text, last = "", dict[str, Any]()
        for last in events(raw):
            text += _message_text(last)
        if not last.get("done"):
            raise ValueError("it ended before its last line")
        return _reply(last, text)

    def answer(self, reply: Reply, stamp: ReplyHeader) -> bytes:
        """One object."""
        return dump({**_head(stamp, _message(reply.text, stamp)), **_end(reply)})

    def writer(self, stamp: ReplyHeader) -> "OllamaWriter":
        """Lines."""
        return OllamaWriter(stamp)

    def error(self, status: int, message: str) -> bytes:  # noqa: ARG002 -- it is in no body
        """As Ollama writes it."""
        return dump({"error": message})


class OllamaWriter:
    """The lines of one answer. A tool's input is one object, so it comes with the last line."""

    def __init__(self, stamp: ReplyHeader) -> None:
        self._stamp = stamp

    def write_start(self) -> bytes:
        """Nothing comes before the first text."""
        return b""

    def delta(self, text: str) -> bytes:
        """A piece of the content."""
        if self._stamp.tool:
            return b""
        message = {"role": "assistant", "content": text}
        return dump({**_head(self._stamp, message), "done": False}) + b"\n"

    def write_end(self, reply: Reply) -> bytes:
        """The reason of the end, and the tokens."""
        message = _message(reply.text if self._stamp.tool else "", self._stamp)
        return dump({**_head(self._stamp, message), **_end(reply)}) + b"\n"


def _reply(found: Body, text: str) -> Reply:
    return Reply(
        text,
        normalize_finish(found.get("done_reason")),
        found.get("prompt_eval_count"),
        found.get("eval_count"),
        str(found.get("model") or ""),
    )


def _message_text(found: Body) -> str:
    message = found.get("message") or {}
    return message.get("content") or ""


def _message(text: str, stamp: ReplyHeader) -> Body:
    given = object_in(text) if stamp.tool else None
    if given is None:
        return {"role": "assistant", "content": text}
    call = {"function": {"name": stamp.tool, "arguments": given}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def _head(stamp: ReplyHeader, message: Body) -> Body:
    when = datetime.fromtimestamp(stamp.created, UTC).isoformat().replace("+00:00", "Z")
    return {"model": stamp.model, "created_at": when, "message": message}


def _end(reply: Reply) -> Body:
    tokens = {"prompt_eval_count": reply.input_tokens or 0, "eval_count": reply.output_tokens or 0}
    return {"done": True, "done_reason": reply.finish, **tokens}
