"""OpenAI's responses."""

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
    select_settings,
    text_of,
    tools_of,
)
from adapters.wire.dialects.chat import Chat
from adapters.wire.dialects.responses_writer import ResponsesWriter, full_response

_SETTINGS = {"max_output_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p"}
_TEXT = ("input_text", "output_text", "text")
_LAST = ("response.completed", "response.incomplete", "response.failed")


class Responses(Dialect):
    """POST /v1/responses."""

    path = "/v1/responses"
    text_key = "input"

    def ask(self, body: Body) -> Ask:
        """A schema comes by text.format, or as the parameters of a function."""
        instructions = body.get("instructions")
        messages = [Message("system", instructions)] if instructions else []
        said, refused = _messages(body.get("input"))
        tools = tools_of(body.get("tools"), body.get("tool_choice"))
        if body.get("previous_response_id"):
            refused.append("previous_response_id")
        form = (body.get("text") or {}).get("format") or {}
        return Ask(
            (*messages, *said),
            schema=tools.tool["parameters"] if tools.tool else form.get("schema"),
            json_object=form.get("type") == "json_object",
            tool=tools.tool["name"] if tools.tool else "",
            settings=select_settings(body, _SETTINGS),
            refused=(*refused, *tools.refused),
            dropped=tools.dropped,
        )

    def read(self, raw: bytes) -> Reply:
        """The texts of its messages, or the input of its function."""
        return _reply(load(raw))

    def read_stream(self, raw: bytes) -> Reply:
        """The last event holds the whole response."""
        for found in events(raw):
            if found.get("type") in _LAST:
                return _reply(found.get("response") or {})
        raise ValueError("it ended before its last event")

    def answer(self, reply: Reply, stamp: ReplyHeader) -> bytes:
        """One item: a message, or the call of a function."""
        return dump(full_response(reply, stamp))

    def writer(self, stamp: ReplyHeader) -> ResponsesWriter:
        """Events."""
        return ResponsesWriter(stamp)

    def error(self, status: int, message: str) -> bytes:
        """As OpenAI writes it."""
        return Chat().error(status, message)


def _messages(given: Any) -> tuple[list[Message], list[str]]:
    if isinstance(given, str):
        return [Message("user", given)], []
    messages, refused = [], []
    for item in given or []:
        if item.get("type", "message") != "message":
            refused.append(f"input of type {item['type']!r}")
            continue
        text, others = text_of(item.get("content"), _TEXT)
        role = item.get("role", "user")
        messages.append(Message("system" if role == "developer" else role, text))
        refused += others
    return messages, refused


def _reply(found: Body) -> Reply:
    items = found.get("output")
    if not isinstance(items, list) or found.get("status") == "failed":
        raise ValueError("it has no output, or has failed")
    parts = [part for item in items for part in item.get("content") or []]
    inputs = [item.get("arguments", "") for item in items if item.get("type") == "function_call"]
    texts = [part.get("text", "") for part in parts if part.get("type") == "output_text"]
    refusals = [part.get("refusal", "") for part in parts if part.get("type") == "refusal"]
    tokens = found.get("usage") or {}
    return Reply(
        "".join(inputs or texts or refusals),
        "refusal" if refusals and not inputs and not texts else _finish(found),
        tokens.get("input_tokens"),
        tokens.get("output_tokens"),
        str(found.get("model") or ""),
    )


def _finish(found: Body) -> str:
    if found.get("status") != "incomplete":
        return "stop"
    return normalize_finish((found.get("incomplete_details") or {}).get("reason") or "length")
