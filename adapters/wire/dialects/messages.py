"""Anthropic's messages."""

import json
from collections.abc import Mapping
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
    is_count,
    load,
    normalize_finish,
    object_in,
    select_settings,
    text_of,
    tools_of,
)

_SETTINGS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop_sequences": "stop",
}
_ERRORS = {400: "invalid_request_error", 404: "not_found_error", 422: "invalid_request_error"}


class MessagesDialect(Dialect):
    """POST /v1/messages."""

    path = "/v1/messages"

    def ask(self, body: Body) -> Ask:
        """JSON comes as the input of a tool that must be called, or by output_config.format."""
        system, refused = text_of(body.get("system"))
        messages = [Message("system", system)] if system else []
        for said in body.get("messages") or []:
            text, others = text_of(said.get("content"))
            messages.append(Message(said.get("role", "user"), text))
            refused += others
        tools = tools_of(body.get("tools"), body.get("tool_choice"))
        thinking = body.get("thinking") or {}
        if thinking.get("type") == "enabled":
            refused.append("thinking")
        form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Ask(
            tuple(messages),
            schema=tools.tool["input_schema"] if tools.tool else form.get("schema"),
            tool=tools.tool["name"] if tools.tool else "",
            settings=select_settings(body, _SETTINGS),
            refused=(*refused, *tools.refused),
            dropped=(*tools.dropped, *(["top_k"] if body.get("top_k") is not None else [])),
        )

    def read(self, raw: bytes) -> Reply:
        """The texts of its blocks, or the input of its tool."""
        found = load(raw)
        blocks = found.get("content")
        if not isinstance(blocks, list):
            raise ValueError("it has no content")
        texts = [b.get("text", "") for b in blocks if b.get("type") == "text"]
        inputs = [b.get("input") or {} for b in blocks if b.get("type") == "tool_use"]
        text = json.dumps(inputs[0], ensure_ascii=False) if inputs else "".join(texts)
        return _reply(found, text, found.get("usage") or {})

    def read_stream(self, raw: bytes) -> Reply:
        """The deltas together; the tokens of the start, then those of the end."""
        text, tokens, head, ended = "", dict[str, Any](), dict[str, Any](), False
        for found in events(raw):
            message, delta = found.get("message") or {}, found.get("delta") or {}
            text += delta.get("text") or delta.get("partial_json") or ""
            known = message.get("usage") or found.get("usage") or {}
            tokens |= {key: value for key, value in known.items() if value is not None}
            head |= {
                k: (message | delta)[k] for k in ("model", "stop_reason") if k in message | delta
            }
            ended = ended or found.get("type") == "message_stop"
        if not ended:
            raise ValueError("it ended before its last event")
        return _reply(head, text, tokens)

    def answer(self, reply: Reply, stamp: ReplyHeader) -> bytes:
        """One block: text, or the tool's input. Input that was cut is no object: it is text."""
        given = object_in(reply.text) if stamp.tool else None
        block: Body = {"type": "text", "text": reply.text}
        if given is not None:
            block = {**_tool(stamp), "input": given}
        end = {"stop_reason": _stop(reply, given is not None), "stop_sequence": None}
        return dump({**_head(stamp), "content": [block], **end, "usage": _usage(reply)})

    def writer(self, stamp: ReplyHeader) -> "MessagesWriter":
        """Events."""
        return MessagesWriter(stamp)

    def error(self, status: int, message: str) -> bytes:
        """As Anthropic writes it."""
        kind = _ERRORS.get(status, "api_error")
        return dump({"type": "error", "error": {"type": kind, "message": message}})


class MessagesWriter:
    """The events of one message with one block."""

    def __init__(self, stamp: ReplyHeader) -> None:
        self._stamp = stamp

    def write_start(self) -> bytes:
        """The message begins, and its block."""
        empty: Body = {"content": [], "stop_reason": None, "stop_sequence": None}
        begun = {**_head(self._stamp), **empty, "usage": _usage(Reply(""))}
        block: Body = {"type": "text", "text": ""}
        if self._stamp.tool:
            block = {**_tool(self._stamp), "input": {}}
        return _event("message_start", message=begun) + _event(
            "content_block_start", index=0, content_block=block
        )

    def delta(self, text: str) -> bytes:
        """A piece of the text, or of the tool's input."""
        delta = {"type": "text_delta", "text": text}
        if self._stamp.tool:
            delta = {"type": "input_json_delta", "partial_json": text}
        return _event("content_block_delta", index=0, delta=delta)

    def write_end(self, reply: Reply) -> bytes:
        """The block ends, and the message with its tokens."""
        end = {"stop_reason": _stop(reply, bool(self._stamp.tool)), "stop_sequence": None}
        return (
            _event("content_block_stop", index=0)
            + _event("message_delta", delta=end, usage=_usage(reply))
            + _event("message_stop")
        )


def sum_input_tokens(tokens: Mapping[str, Any]) -> int | None:
    """What was read from, or written to, Anthropic's cache is input as well."""
    parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    counts = [tokens[part] for part in parts if tokens.get(part) is not None]
    return sum(counts) if counts and all(map(is_count, counts)) else None


def _reply(found: Body, text: str, tokens: Body) -> Reply:
    return Reply(
        text,
        normalize_finish(found.get("stop_reason")),
        sum_input_tokens(tokens),
        tokens.get("output_tokens"),
        str(found.get("model") or ""),
    )


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + dump({"type": kind, **fields}) + b"\n\n"


def _head(stamp: ReplyHeader) -> Body:
    return {"id": f"msg_{stamp.id}", "type": "message", "role": "assistant", "model": stamp.model}


def _tool(stamp: ReplyHeader) -> Body:
    return {"type": "tool_use", "id": f"toolu_{stamp.id}", "name": stamp.tool}


def _stop(reply: Reply, tool: bool) -> str:
    if reply.finish == "length":
        return "max_tokens"
    if reply.finish in ("refusal", "content_filter"):
        return "refusal"
    return "tool_use" if tool else "end_turn"


def _usage(reply: Reply) -> Body:
    return {"input_tokens": reply.input_tokens or 0, "output_tokens": reply.output_tokens or 0}
