"""Conversations as OpenAI's chat messages: one JSON object for each line, one trace for each.

The messages lie under `messages` or `traj` (as tau-bench writes them); `id`, or `task_id` and
`trial`, name the conversation, and `reward` or `outcome` is what became of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from adapters.traces.spans import (
    last_of,
    lines_of,
    make_trace,
    read_count,
    read_documents,
    read_messages,
    read_number,
    read_text,
    read_time,
)
from prompt_lab.ports.trace_reader import MalformedTrace
from prompt_lab.traces import AgentCall, Event, Tokens, ToolResult, Trace, UserMessage


class OpenAiChats:
    """ports.TraceReader. A tool's answer that begins with 'Error' is a failed call."""

    def read(self, text: str, *, at: str) -> Iterator[Trace | MalformedTrace]:
        """One trace for each line; `at` is the time of those that say none."""
        return read_documents(lines_of(text), lambda row, line: [_read_row(row, line, at)])


def _read_row(row: object, line: str, at: str) -> Trace:
    if not isinstance(row, dict):
        raise TypeError("is no JSON object")
    messages = read_messages(row.get("messages") or row.get("traj"))
    if not messages:
        raise TypeError("has no chat messages under 'messages' or 'traj'")
    time = read_time(row.get("created_at") or row.get("timestamp") or row.get("created")) or at
    if not time:
        raise TypeError("says no time: add 'created_at', or give --at TIME")
    name = _name_of(row) or sha256(line.encode("utf-8", "replace")).hexdigest()[:16]
    payload = {
        "messages": messages,
        "tools_offered": _offered(row.get("tools")),
        "outcome": read_number(row.get("reward", row.get("outcome"))),
        "prompt_version": read_text(row.get("prompt_version")),
    }
    return make_trace(
        _events(messages, row),
        payload,
        trace_id=name,
        created_at=time,
        session_id=read_text(row.get("session_id")) or name,
        channel_user_id=read_text(row.get("user_id") or row.get("user")),
        user_message=last_of(messages, "user"),
        final_message=last_of(messages, "assistant"),
    )


def _name_of(row: Mapping[str, Any]) -> str:
    if "task_id" in row:
        return "-".join(read_text(row[key]) for key in ("task_id", "trial") if key in row)
    return read_text(row.get("id") or row.get("trace_id") or row.get("conversation_id"))


def _offered(tools: object) -> tuple[str, ...]:
    found = []
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        if isinstance(function, dict) and function.get("name"):
            found.append(read_text(function["name"]))
    return tuple(found)


def _events(messages: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> list[Event]:
    arguments = {}
    for message in messages:
        for call in message.get("tool_calls") or ():
            if isinstance(call, dict) and isinstance(call.get("function"), dict):
                arguments[read_text(call.get("id"))] = call["function"]
    usage = row.get("usage") if isinstance(row.get("usage"), dict) else {}
    model, events = read_text(row.get("model")), list[Event]()
    for message in messages:
        role, text = message.get("role"), read_text(message.get("content"))
        if role == "user":
            events.append(UserMessage(text=text))
        elif role == "assistant":
            events.append(AgentCall(model=read_text(message.get("model")) or model))
        elif role in ("tool", "function"):
            called = arguments.get(read_text(message.get("tool_call_id")), {})
            failed = text.lstrip().startswith("Error")
            events.append(
                ToolResult(
                    tool_name=read_text(message.get("name") or called.get("name")),
                    success=not failed,
                    error=text[:2000] if failed else "",
                    call_id=read_text(message.get("tool_call_id")),
                    arguments=read_text(called.get("arguments")),
                    output=text,
                )
            )
    calls = [index for index, event in enumerate(events) if isinstance(event, AgentCall)]
    if usage and calls:  # of the whole conversation: counted at its last call
        tokens = Tokens(
            input=read_count(usage.get("prompt_tokens", usage.get("input_tokens"))),
            output=read_count(usage.get("completion_tokens", usage.get("output_tokens"))),
        )
        events[calls[-1]] = AgentCall(model=model, tokens=tokens)
    return events
