"""OpenAI's responses, written: one item, which is a message or the call of a function."""

from itertools import count
from typing import Any

from adapters.wire.dialects.base import Body, Reply, ReplyHeader, dump

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesWriter:
    """The events of one response with one item."""

    def __init__(self, stamp: ReplyHeader) -> None:
        self._stamp = stamp
        self._number = count()
        self._item = f"{'fc' if stamp.tool else 'msg'}_{stamp.id}"

    def write_start(self) -> bytes:
        """The response begins, and its item."""
        begun = _response(self._stamp, "in_progress", [], None)
        item = _item(Reply(""), self._stamp, "in_progress")
        events = [
            self._event("response.created", response=begun),
            self._event("response.in_progress", response=begun),
            self._event("response.output_item.added", item=item, output_index=0),
        ]
        if not self._stamp.tool:
            added = self._of_item("response.content_part.added", part=_part(""), content_index=0)
            events.append(added)
        return b"".join(events)

    def delta(self, text: str) -> bytes:
        """A piece of the text, or of the function's input."""
        if self._stamp.tool:
            return self._of_item("response.function_call_arguments.delta", delta=text)
        return self._text("delta", delta=text)

    def write_end(self, reply: Reply) -> bytes:
        """The item ends, and the response with its tokens."""
        done = full_response(reply, self._stamp)
        if self._stamp.tool:
            ends = [self._of_item("response.function_call_arguments.done", arguments=reply.text)]
        else:
            part = _part(reply.text)
            ends = [
                self._text("done", text=reply.text),
                self._of_item("response.content_part.done", part=part, content_index=0),
            ]
        ends.append(
            self._event("response.output_item.done", item=done["output"][0], output_index=0)
        )
        ends.append(self._event(f"response.{done['status']}", response=done))
        return b"".join(ends)

    def _text(self, what: str, **fields: Any) -> bytes:
        kind = f"response.output_text.{what}"
        return self._of_item(kind, content_index=0, logprobs=[], **fields)

    def _of_item(self, kind: str, **fields: Any) -> bytes:
        return self._event(kind, item_id=self._item, output_index=0, **fields)

    def _event(self, kind: str, **fields: Any) -> bytes:
        data = {"type": kind, "sequence_number": next(self._number), **fields}
        return f"event: {kind}\ndata: ".encode() + dump(data) + b"\n\n"


def full_response(reply: Reply, stamp: ReplyHeader) -> Body:
    """The response as one object."""
    status = "incomplete" if reply.finish in _INCOMPLETE else "completed"
    return _response(stamp, status, [_item(reply, stamp, status)], _usage(reply)) | (
        {"incomplete_details": {"reason": _INCOMPLETE[reply.finish]}}
        if status == "incomplete"
        else {}
    )


def _response(stamp: ReplyHeader, status: str, output: list[Body], usage: Body | None) -> Body:
    return {
        "id": f"resp_{stamp.id}",
        "object": "response",
        "created_at": stamp.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": stamp.model,
        "output": output,
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _item(reply: Reply, stamp: ReplyHeader, status: str) -> Body:
    if stamp.tool:
        call = {"call_id": f"call_{stamp.id}", "name": stamp.tool, "arguments": reply.text}
        return {"id": f"fc_{stamp.id}", "type": "function_call", "status": status, **call}
    content = [] if status == "in_progress" else [_part(reply.text)]
    head = {"id": f"msg_{stamp.id}", "type": "message", "role": "assistant"}
    return {**head, "status": status, "content": content}


def _part(text: str) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(reply: Reply) -> Body:
    inside, out = reply.input_tokens or 0, reply.output_tokens or 0
    return {
        "input_tokens": inside,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": inside + out,
    }
