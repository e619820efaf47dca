"""Spans of OpenTelemetry: OpenInference, every generation of the GenAI conventions, Vercel AI SDK.

A file holds a list of spans, or one for each line; spans of one trace id make one trace.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.traces.spans import (
    documents_of,
    last_of,
    make_trace,
    milliseconds,
    read_count,
    read_messages,
    read_number,
    read_text,
    read_time,
)
from prompt_lab.json_limits import parse_json
from prompt_lab.ports.trace_reader import MalformedTrace
from prompt_lab.traces import AgentCall, Event, SubAgent, Tokens, ToolResult, Trace

Span = Mapping[str, Any]
_KINDS = {"LLM": "call", "TOOL": "tool", "AGENT": "agent"}
_OPERATIONS = {
    "chat": "call",
    "generate_content": "call",
    "text_completion": "call",
    "execute_tool": "tool",
    "invoke_agent": "agent",
}
_INPUT_TOKENS = (
    "llm.token_count.prompt",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
_OUTPUT_TOKENS = (
    "llm.token_count.completion",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
_MODELS = ("gen_ai.response.model", "llm.model_name", "ai.response.model", "gen_ai.request.model")
_MESSAGES = ("gen_ai.input.messages", "ai.prompt.messages", "gen_ai.prompt", "input.value")
_ANSWERS = ("ai.response.text", "gen_ai.completion", "output.value", "ai.response.object")
_TOOL_NAMES = ("tool.name", "gen_ai.tool.name", "ai.toolCall.name")


class OpenInferenceTraces:
    """ports.TraceReader."""

    def read(self, text: str, *, at: str) -> Iterator[Trace | MalformedTrace]:
        """One trace for each trace id; `at` is the time of those that say none."""
        groups: dict[str, list[Span]] = {}
        for number, document in documents_of(text):
            try:
                found = parse_json(document)
                for span in found if isinstance(found, list) else [found]:
                    groups.setdefault(_trace_id(span), []).append(span)
            except (ValueError, TypeError, RecursionError) as error:
                yield MalformedTrace(number, str(error)[:300], document)
        for name, spans in groups.items():
            try:
                yield _read_trace(name, spans, at)
            except (ValueError, TypeError) as error:
                yield MalformedTrace(1, f"trace {name}: {str(error)[:300]}", json.dumps(spans))


def _trace_id(span: object) -> str:
    if not isinstance(span, dict):
        raise TypeError("is no span: it is no JSON object")
    context = span.get("spanContext") or span.get("context") or {}
    found = span.get("traceId") or span.get("trace_id")
    if not found and isinstance(context, dict):
        found = context.get("traceId") or context.get("trace_id")
    if not found:
        raise TypeError("is no span: it names no trace id")
    return read_text(found)


def _read_trace(name: str, spans: Sequence[Span], at: str) -> Trace:
    ordered = sorted(spans, key=lambda span: _start(span) or "~")
    facts = [_attributes(span) for span in ordered]
    time = next((start for span in ordered if (start := _start(span))), "") or at
    if not time:
        raise TypeError("says no time: give --at TIME")
    is_leaf = _has_a_leaf_call(ordered)
    events = [e for span in ordered if (e := _read_event(span, is_leaf)) is not None]
    calls = [found for span, found in zip(ordered, facts, strict=True) if _kind(span) == "call"]
    messages = next((found for fact in calls if (found := _conversation(fact))), ())
    named = {
        read_text(fact["gen_ai.prompt.name"]): read_text(fact.get("gen_ai.prompt.version"))
        for fact in facts
        if fact.get("gen_ai.prompt.name")
    }
    version = _first(facts, "llm.prompt_template.version", "gen_ai.prompt.version")
    return make_trace(
        events,
        {"messages": messages, "prompts": named, "prompt_version": version},
        trace_id=name,
        created_at=time,
        session_id=_first(facts, "session.id", "gen_ai.conversation.id"),
        channel_user_id=_first(facts, "user.id", "enduser.id"),
        user_message=last_of(messages, "user")
        or _first(facts, "ai.prompt", "input.value")[:20_000],
        final_message=last_of(messages, "assistant") or _first(facts, *_ANSWERS)[:20_000],
    )


def _attributes(span: Span) -> dict[str, Any]:
    """Attributes as a mapping, also from OTLP's list of keys and typed values."""
    given = span.get("attributes")
    if isinstance(given, list):
        pairs = [one for one in given if isinstance(one, dict) and "key" in one]
        return {read_text(one["key"]): _otlp_value(one.get("value")) for one in pairs}
    return dict(given) if isinstance(given, dict) else {}


def _otlp_value(value: object) -> object:
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    if kind == "arrayValue" and isinstance(inner, dict):
        return [_otlp_value(one) for one in inner.get("values", [])]
    return inner


def _kind(span: Span) -> str:
    """'call', 'tool', 'agent', or '' for what only groups others."""
    facts, name = _attributes(span), read_text(span.get("name"))
    declared = read_text(facts.get("openinference.span.kind")).upper()
    if declared:
        return _KINDS.get(declared, "")
    operation = read_text(facts.get("gen_ai.operation.name"))
    if operation:
        return _OPERATIONS.get(operation, "")
    if name.startswith("ai.toolCall"):
        return "tool"
    if name.startswith("ai.embed"):
        return ""
    has_model = any(facts.get(key) for key in (*_MODELS, "ai.model.id"))
    return "call" if has_model and any(facts.get(key) for key in _INPUT_TOKENS) else ""


def _has_a_leaf_call(spans: Sequence[Span]) -> bool:
    """Whether Vercel's inner spans are there, whose outer ones repeat the same tokens."""
    return any(read_text(span.get("name")).startswith(("ai.generateText.do", "ai.streamText.do",
               "ai.generateObject.do", "ai.streamObject.do")) for span in spans)  # fmt: skip


def _read_event(span: Span, has_leaf: bool) -> Event | None:
    kind, facts, name = _kind(span), _attributes(span), read_text(span.get("name"))
    error = _error(span, facts)
    if kind == "tool":
        return ToolResult(
            tool_name=_first([facts], *_TOOL_NAMES) or name,
            success=not error,
            error=error,
            call_id=_first([facts], "tool.id", "gen_ai.tool.call.id", "ai.toolCall.id"),
            arguments=_first(
                [facts], "tool.parameters", "gen_ai.tool.call.arguments", "ai.toolCall.args"
            ),
            output=_first([facts], "output.value", "gen_ai.tool.call.result", "ai.toolCall.result"),
        )
    if kind == "agent":
        return SubAgent(name=_first([facts], "gen_ai.agent.name") or name)
    if kind != "call" or (has_leaf and name.startswith("ai.") and ".do" not in name):
        return None
    return AgentCall(
        model=_first([facts], *_MODELS, "ai.model.id"),
        tokens=Tokens(
            input=next((n for key in _INPUT_TOKENS if (n := read_count(facts.get(key)))), 0),
            output=next((n for key in _OUTPUT_TOKENS if (n := read_count(facts.get(key)))), 0),
        ),
        latency_ms=milliseconds(_start(span), _end(span)),
        cost_usd=read_number(facts.get("llm.cost.total")),
        error=error,
    )


def _error(span: Span, facts: Mapping[str, Any]) -> str:
    status = span.get("status")
    code = status.get("code", status.get("status_code")) if isinstance(status, dict) else status
    failed = read_text(code).upper() in ("2", "ERROR", "STATUS_CODE_ERROR")
    said = read_text(status.get("message")) if isinstance(status, dict) else ""
    return said or read_text(facts.get("error.type")) or ("error" if failed else "")


def _conversation(facts: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    flat = _flattened(facts, "llm.input_messages.")
    if flat:
        return (*flat, *_flattened(facts, "llm.output_messages."))
    for key in _MESSAGES:
        asked = read_messages(facts.get(key))
        if asked:
            answer = _first([facts], *_ANSWERS)
            return (*asked, {"role": "assistant", "content": answer}) if answer else asked
    return ()


def _flattened(facts: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """OpenInference's 'llm.input_messages.0.message.role' and so on, as messages."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in facts.items():
        place, dot, rest = key.removeprefix(prefix).partition(".message.")
        if key.startswith(prefix) and dot and place.isdigit() and rest in ("role", "content"):
            found.setdefault(int(place), {})[rest] = value
    return [found[place] for place in sorted(found) if found[place].get("role")]


def _first(facts: Sequence[Mapping[str, Any]], *keys: str) -> str:
    return next((text for key in keys for fact in facts if (text := read_text(fact.get(key)))), "")


def _start(span: Span) -> str:
    return read_time(_any(span, "startTime", "start_time", "startTimeUnixNano"))


def _end(span: Span) -> str:
    return read_time(_any(span, "endTime", "end_time", "endTimeUnixNano"))


def _any(span: Span, *keys: str) -> object:
    return next((span[key] for key in keys if span.get(key)), None)
