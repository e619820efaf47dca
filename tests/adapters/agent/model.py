"""A model on loopback that uses tools by a script, in the dialects of both commands."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.loopback import Loopback


class Say(NamedTuple):
    """An answer in words: the last turn."""

    text: str


class Use(NamedTuple):
    """A call of one of the command's own tools."""

    tool: str
    given: dict[str, Any]


class Refuse(NamedTuple):
    """No answer: a status, and why."""

    status: int
    why: str


Turn = Say | Use | Refuse
TOKENS = {"input_tokens": 100, "output_tokens": 10}


class Model(Loopback):
    """Takes its turns in their order: as many as the request holds results of tools are over.

    `results` is what the tools of the last request gave.
    """

    def __init__(self, *turns: Turn) -> None:
        self.turns = turns
        self.results: list[str] = []
        super().__init__(self._handler())

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, str, str]:
        """(status, type, body) of the next turn."""
        found = _results(body)
        self.results = found or self.results
        turn = self.turns[min(len(found), len(self.turns) - 1)]
        if isinstance(turn, Refuse):
            error = {"type": "authentication_error", "message": turn.why}
            return turn.status, "application/json", json.dumps({"type": "error", "error": error})
        events = messages(turn) if path.endswith("/messages") else responses(turn)
        lines = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events]
        return 200, "text/event-stream", "".join(lines)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, kind, text = owner._answer(self.path.partition("?")[0], body)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Handler


def _results(body: dict[str, Any]) -> list[str]:
    """What tools gave, of a request in either dialect."""
    parts = [
        part
        for message in body.get("messages", [])
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "tool_result"
    ]
    given = body.get("input", [])
    outputs = [one for one in given if one.get("type") == "function_call_output"]
    return [json.dumps(one.get("content") or one.get("output")) for one in (*parts, *outputs)]


def messages(turn: Say | Use) -> list[dict[str, Any]]:
    """Anthropic's stream of one message."""
    if isinstance(turn, Say):
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": turn.text}
    else:
        block = {"type": "tool_use", "id": "toolu_1", "name": turn.tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(turn.given)}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "made",
        "content": [],
    }
    stop = "end_turn" if isinstance(turn, Say) else "tool_use"
    return [
        {"type": "message_start", "message": {**message, "stop_reason": None, "usage": TOKENS}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 10}},
        {"type": "message_stop"},
    ]


def responses(turn: Say | Use) -> list[dict[str, Any]]:
    """OpenAI's stream of one response."""
    if isinstance(turn, Say):
        content = [{"type": "output_text", "text": turn.text, "annotations": []}]
        item: dict[str, Any] = {"type": "message", "role": "assistant", "content": content}
    else:
        item = {"type": "function_call", "call_id": "call_1", "name": turn.tool}
        item["arguments"] = json.dumps(turn.given)
    usage = {**TOKENS, "total_tokens": 110}
    done = {"id": "resp_1", "object": "response", "model": "made", "status": "completed"}
    return [
        {"type": "response.created", "response": {**done, "status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": {"id": "i_1", **item}},
        {"type": "response.completed", "response": {**done, "output": [item], "usage": usage}},
    ]
