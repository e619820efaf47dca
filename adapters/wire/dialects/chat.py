"""OpenAI's chat completions, which every other dialect can be turned into."""

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
    load,
    normalize_finish,
    select_settings,
    text_of,
    tools_of,
)

_SETTINGS = {
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "seed": "seed",
}


class Chat(Dialect):
    """POST /v1/chat/completions."""

    path = "/v1/chat/completions"

    def ask(self, body: Body) -> Ask:
        """A schema comes by response_format, or as the parameters of a function."""
        messages, refused = [], []
        for said in body.get("messages") or []:
            text, others = text_of(said.get("content"))
            messages.append(Message(said.get("role", "user"), text))
            refused += others
        tools = tools_of(body.get("tools"), body.get("tool_choice"))
        function = tools.tool["function"] if tools.tool else {}
        form = body.get("response_format") or {}
        return Ask(
            tuple(messages),
            schema=function.get("parameters") or form.get("json_schema", {}).get("schema"),
            json_object=form.get("type") == "json_object",
            tool=function.get("name", ""),
            settings=select_settings(body, _SETTINGS),
            refused=(*refused, *tools.refused),
            dropped=tools.dropped,
        )

    def read(self, raw: bytes) -> Reply:
        """The first choice."""
        found = load(raw)
        choice = _first_choice(found)
        if choice is None or choice.get("finish_reason") == "error":
            raise ValueError("it has no choices, or one that is an error")
        message = choice.get("message") or {}
        text, finish = _message_text(message), choice.get("finish_reason")
        if not text and message.get("refusal"):
            text, finish = message["refusal"], "refusal"
        return _reply(found, text, finish)

    def read_stream(self, raw: bytes) -> Reply:
        """The deltas of the first choice, together."""
        text, refusal, finish, last = "", "", None, dict[str, Any]()
        for found in events(raw):
            last |= {key: found[key] for key in ("model", "usage") if found.get(key)}
            choice = _first_choice(found) or {}
            delta = choice.get("delta") or {}
            text += _message_text(delta)
            refusal += delta.get("refusal") or ""
            finish = choice.get("finish_reason") or finish
        if finish is None or finish == "error":
            raise ValueError("it ended before its last event")
        if not text and refusal:
            text, finish = refusal, "refusal"
        return _reply(last, text, finish)

    def answer(self, reply: Reply, stamp: ReplyHeader) -> bytes:
        """One choice."""
        message: Body = {"role": "assistant", "content": reply.text}
        if stamp.tool:
            message = {"role": "assistant", "content": None, "tool_calls": [_call(stamp, reply)]}
        choice = {"index": 0, "message": message, "finish_reason": _finish(reply, stamp)}
        return dump({**_head(stamp, "chat.completion"), "choices": [choice], "usage": usage(reply)})

    def writer(self, stamp: ReplyHeader) -> "ChatWriter":
        """Chunks."""
        return ChatWriter(stamp)

    def error(self, status: int, message: str) -> bytes:
        """As OpenAI writes it."""
        kind = "invalid_request_error" if status < 500 else "api_error"
        return dump({"error": {"message": message, "type": kind, "param": None, "code": status}})

    def request(self, ask: Ask) -> Body:
        """A request that asks for the same. A tool's input comes as JSON under its schema."""
        messages = [{"role": m.role, "content": m.text} for m in ask.messages]
        body: Body = {"messages": messages, **ask.settings}
        if ask.schema is not None:
            schema = {"name": ask.tool or "answer", "schema": dict(ask.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif ask.json_object:
            body["response_format"] = {"type": "json_object"}
        return body


def with_usage(body: Body) -> Body:
    """The request as it is passed on: a stream names its tokens only where it is asked to."""
    if not body.get("stream"):
        return body
    return {**body, "stream_options": {**_stream_options(body), "include_usage": True}}


def came_for_us(event: Body, body: Body) -> bool:
    """Whether an event is the one with the tokens, for which the client has not asked."""
    return not wants_usage(body) and event.get("choices") == [] and bool(event.get("usage"))


def wants_usage(body: Body) -> bool:
    """Whether the client has asked for the tokens of a stream."""
    return bool(_stream_options(body).get("include_usage"))


def _stream_options(body: Body) -> Body:
    said = body.get("stream_options")
    return said if isinstance(said, dict) else {}


class ChatWriter:
    """The chunks of one completion."""

    def __init__(self, stamp: ReplyHeader) -> None:
        self._stamp = stamp

    def write_start(self) -> bytes:
        """The role, and the name of the tool."""
        delta: Body = {"role": "assistant", "content": ""}
        if self._stamp.tool:
            call = {"index": 0, **_call(self._stamp, Reply(""))}
            delta = {"role": "assistant", "content": None, "tool_calls": [call]}
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    def delta(self, text: str) -> bytes:
        """A piece of the content, or of the tool's input."""
        delta: Body = {"content": text}
        if self._stamp.tool:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    def write_end(self, reply: Reply) -> bytes:
        """The reason of the end."""
        finish = _finish(reply, self._stamp)
        last = self._chunk([{"index": 0, "delta": {}, "finish_reason": finish}])
        if self._stamp.counted:
            last += self._chunk([], usage=usage(reply))
        return last + b"data: [DONE]\n\n"

    def _chunk(self, choices: list[Body], **more: Any) -> bytes:
        head = _head(self._stamp, "chat.completion.chunk")
        return b"data: " + dump({**head, "choices": choices, **more}) + b"\n\n"


def usage(reply: Reply) -> Body:
    """Tokens under chat's names."""
    inside, out = reply.input_tokens or 0, reply.output_tokens or 0
    return {"prompt_tokens": inside, "completion_tokens": out, "total_tokens": inside + out}


def _reply(found: Mapping[str, Any], text: str, finish: Any) -> Reply:
    tokens = found.get("usage") or {}
    return Reply(
        text,
        normalize_finish(finish),
        tokens.get("prompt_tokens"),
        tokens.get("completion_tokens"),
        str(found.get("model") or ""),
    )


def _first_choice(found: Mapping[str, Any]) -> Body | None:
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _message_text(message: Mapping[str, Any]) -> str:
    """The content, or the input of the tools that are called."""
    calls = message.get("tool_calls") or []
    text, _ = text_of(message.get("content"))
    return text or "".join((call.get("function") or {}).get("arguments") or "" for call in calls)


def _call(stamp: ReplyHeader, reply: Reply) -> Body:
    function = {"name": stamp.tool, "arguments": reply.text}
    return {"id": f"call_{stamp.id}", "type": "function", "function": function}


def _finish(reply: Reply, stamp: ReplyHeader) -> str:
    return "tool_calls" if stamp.tool and reply.finish == "stop" else reply.finish


def _head(stamp: ReplyHeader, kind: str) -> Body:
    return {
        "id": f"chatcmpl-{stamp.id}",
        "object": kind,
        "created": stamp.created,
        "model": stamp.model,
    }
