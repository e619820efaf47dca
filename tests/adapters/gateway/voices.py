"""How the stand-in answers in each dialect: an object, or the list of a stream's events."""

import json
from typing import Any, NamedTuple

Body = dict[str, Any]
ID = "it-was-me"


class Said(NamedTuple):
    """A text and its tokens."""

    text: str
    input: int
    output: int

    def halves(self) -> tuple[str, str]:
        half = len(self.text) // 2
        return self.text[:half], self.text[half:]


def chat(body: Body, said: Said) -> Body | list[Any]:
    tokens = {"prompt_tokens": said.input, "completion_tokens": said.output}
    usage = {**tokens, "total_tokens": said.input + said.output}
    head = {"id": "c1", "created": 7, "model": ID}
    if not body.get("stream"):
        message: Body = {"role": "assistant", "content": said.text}
        if body.get("tools"):
            call = {"name": body["tools"][0]["function"]["name"], "arguments": said.text}
            called = {"id": "call_1", "type": "function", "function": call}
            message = {"role": "assistant", "content": None, "tool_calls": [called]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    head["object"] = "chat.completion.chunk"
    pieces: list[Any] = [
        {**head, "choices": [{"index": 0, "delta": {"content": t}, "finish_reason": None}]}
        for t in said.halves()
    ]
    pieces.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        pieces.append({**head, "choices": [], "usage": usage})
    return [*pieces, "[DONE]"]


def messages(body: Body, said: Said) -> Body | list[Any]:
    usage = {"input_tokens": said.input, "output_tokens": said.output}
    tool = body["tools"][0]["name"] if body.get("tools") else ""
    head = {"id": "m1", "type": "message", "role": "assistant", "model": ID, "stop_sequence": None}
    reason = {"stop_reason": "tool_use" if tool else "end_turn"}
    block: Body = {"type": "text", "text": said.text}
    if tool:
        block = {"type": "tool_use", "id": "t1", "name": tool, "input": json.loads(said.text)}
    if not body.get("stream"):
        return {**head, **reason, "content": [block], "usage": usage}
    empty = {**block, "input": {}} if tool else {**block, "text": ""}
    kind = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
    start: Body = {
        **head,
        "stop_reason": None,
        "content": [],
        "usage": {**usage, "output_tokens": 1},
    }
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": kind[0], kind[1]: t}}
            for t in said.halves()
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": reason, "usage": {"output_tokens": said.output}},
        {"type": "message_stop"},
    ]


def responses(body: Body, said: Said) -> Body | list[Any]:
    usage = {
        "input_tokens": said.input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input + said.output,
    }
    part = {"type": "output_text", "text": said.text, "annotations": []}
    item = {"id": "i1", "type": "message", "role": "assistant", "status": "completed"}
    head = {"id": "r1", "object": "response", "created_at": 7, "model": ID, "tools": []}
    head |= {"parallel_tool_calls": False, "tool_choice": "auto"}
    whole = {**head, "status": "completed", "output": [{**item, "content": [part]}], "usage": usage}
    if not body.get("stream"):
        return whole
    at: Body = {"item_id": "i1", "output_index": 0, "content_index": 0}
    begun = {**head, "status": "in_progress", "output": []}
    listed: list[Body] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **at, "delta": t, "logprobs": []}
            for t in said.halves()
        ),
        {"type": "response.output_text.done", **at, "text": said.text, "logprobs": []},
        {"type": "response.completed", "response": whole},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(listed)]


def ollama(body: Body, said: Said) -> Body | list[Any]:
    head = {"model": ID, "created_at": "2026-01-01T00:00:00Z"}
    end = {"done": True, "done_reason": "stop", "total_duration": 5}
    end |= {"prompt_eval_count": said.input, "eval_count": said.output}
    if not body.get("stream", True):
        return {**head, "message": {"role": "assistant", "content": said.text}, **end}
    lines = [
        {**head, "message": {"role": "assistant", "content": t}, "done": False}
        for t in said.halves()
    ]
    return [*lines, {**head, "message": {"role": "assistant", "content": ""}, **end}]


SPOKEN = {
    "/v1/chat/completions": chat,
    "/v1/messages": messages,
    "/v1/responses": responses,
    "/api/chat": ollama,
}
