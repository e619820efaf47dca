"""A trace as a readable conversation: what was said, called and answered, in order."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from prompt_lab.report.words import duration, money
from prompt_lab.traces import AgentCall, OtherEvent, RequestDone, SubAgent, ToolResult, Trace
from prompt_lab.traces import UserMessage as UserTurn

SHOWN = 700
"""Characters of a text that are shown at once; the rest is a click away."""
MOST_CHARACTERS = 20_000
MOST_ENTRIES = 400

EntryKind = Literal["system", "user", "agent", "call", "tool", "model", "note"]


class TimelineEntry(NamedTuple):
    """One line of the conversation; `rest` continues `text`."""

    kind: EntryKind
    who: str
    text: str
    rest: str = ""
    facts: tuple[str, ...] = ()
    is_failed: bool = False


class Timeline(NamedTuple):
    """The entries, and how many more the trace has."""

    entries: tuple[TimelineEntry, ...]
    left_out: int


def read_timeline(trace: Trace) -> Timeline:
    """The trace's messages where it has them, else its events between question and answer."""
    found = list(_read_messages(trace) if trace.payload.messages else _read_events(trace))
    return Timeline(tuple(found[:MOST_ENTRIES]), max(0, len(found) - MOST_ENTRIES))


def _read_messages(trace: Trace) -> Iterator[TimelineEntry]:
    """The chat, with the numbers of the call or the tool that each message came from."""
    calls = iter([one for one in trace.payload.events if isinstance(one, AgentCall)])
    results = [one for one in trace.payload.events if isinstance(one, ToolResult)]
    for message in trace.payload.messages:
        role = str(message.get("role") or "note")
        text = _read_content(message.get("content"))
        if role == "assistant":
            call = next(calls, None)
            if text or not message.get("tool_calls"):
                facts = _call_facts(call) if call else ()
                yield _entry("agent", "agent", text, facts, bool(call and call.error))
            yield from _read_tool_calls(message.get("tool_calls"))
        elif role == "tool":
            result = _take_result(results, str(message.get("tool_call_id") or ""))
            yield _tool_entry(result, str(message.get("name") or ""), text)
        elif role in ("system", "developer"):
            yield _entry("system", "system prompt", text)
        else:
            yield _entry("user" if role == "user" else "note", role, text)
    for result in results:  # that no message shows
        yield _tool_entry(result, result.tool_name, result.output)


def _read_events(trace: Trace) -> Iterator[TimelineEntry]:
    """The question, each event, and the answer."""
    if trace.user_message:
        yield _entry("user", "user", trace.user_message)
    for event in trace.payload.events:
        match event:
            case AgentCall():
                yield _entry("model", "model", event.error, _call_facts(event), bool(event.error))
            case ToolResult():
                if event.arguments:
                    yield _entry("call", f"calls {event.tool_name}", event.arguments)
                yield _tool_entry(event, event.tool_name, event.output)
            case SubAgent():
                yield _entry("note", f"hands over to {event.name or 'another agent'}", "")
            case UserTurn():
                yield _entry("user", "user", event.text)
            case RequestDone():
                took = event.total_latency_ms
                took_text = "" if took is None else duration(took / 1000)
                yield _entry("note", "request done", "", (took_text,) if took_text else ())
            case OtherEvent():
                rest = event.model_dump(mode="json", exclude={"type"})
                yield _entry("note", event.type or "event", _as_json(rest) if rest else "")
    if trace.final_message:
        yield _entry("agent", "agent", trace.final_message)


def _read_tool_calls(calls: Any) -> Iterator[TimelineEntry]:
    for call in calls if isinstance(calls, list | tuple) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            arguments = function.get("arguments")
            text = arguments if isinstance(arguments, str) else _as_json(arguments)
            yield _entry("call", f"calls {function.get('name') or 'a tool'}", text)


def _take_result(results: list[ToolResult], call_id: str) -> ToolResult | None:
    """The result with that id; without one, the next."""
    found = next((one for one in results if call_id and one.call_id == call_id), None)
    found = found or next((one for one in results if not (call_id and one.call_id)), None)
    if found is not None:
        results.remove(found)
    return found


def _tool_entry(result: ToolResult | None, name: str, text: str) -> TimelineEntry:
    if result is None:
        return _entry("tool", name or "tool", text, is_failed=text.startswith("Error"))
    failed = result.success is False or bool(result.error)
    word = "failed" if failed else ("" if result.success is None else "succeeded")
    shown = text if text or not result.error else result.error
    facts = tuple(one for one in (word, result.error if shown != result.error else "") if one)
    return _entry("tool", name or result.tool_name or "tool", shown, facts, failed)


def _call_facts(call: AgentCall) -> tuple[str, ...]:
    tokens = call.tokens.input + call.tokens.output
    took = None if call.latency_ms is None else duration(call.latency_ms / 1000)
    cost = None if call.cost_usd is None else money(call.cost_usd)
    size = f"{call.tokens.input:,} + {call.tokens.output:,} tokens" if tokens else ""
    return tuple(one for one in (call.model, size, took, cost) if one)


def _read_content(content: Any) -> str:
    """The text of a message's content: a string, a list of parts, or anything else as JSON."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list | tuple):
        parts = (one.get("text") if isinstance(one, Mapping) else one for one in content)
        return "\n".join(one if isinstance(one, str) else _as_json(one) for one in parts)
    return _as_json(content)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _entry(
    kind: EntryKind, who: str, text: str, facts: tuple[str, ...] = (), is_failed: bool = False
) -> TimelineEntry:
    """An entry whose text is cut to SHOWN characters, the rest to MOST_CHARACTERS."""
    if len(text) > MOST_CHARACTERS:
        left_out = len(text) - MOST_CHARACTERS
        text = f"{text[:MOST_CHARACTERS]}\n… {left_out:,} more characters"
    if len(text) <= SHOWN + 100:
        return TimelineEntry(kind, who, text, "", facts, is_failed)
    return TimelineEntry(kind, who, text[:SHOWN], text[SHOWN:], facts, is_failed)
