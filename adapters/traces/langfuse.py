"""Langfuse's JSON exports: {trace, observations[]}, one, a list of them, or one for each line."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.traces.spans import (
    documents_of,
    last_of,
    make_trace,
    milliseconds,
    read_count,
    read_documents,
    read_messages,
    read_number,
    read_text,
    read_time,
)
from prompt_lab.ports.trace_reader import MalformedTrace
from prompt_lab.traces import AgentCall, Event, RequestDone, SubAgent, Tokens, ToolResult, Trace

_TOOL_PREFIX = "running tool: "


class LangfuseTraces:
    """ports.TraceReader."""

    def read(self, text: str, *, at: str) -> Iterator[Trace | MalformedTrace]:
        """One trace for each export; `at` is the time of those that say none."""

        def read(found: object, _text: str) -> Iterator[Trace]:
            for one in found if isinstance(found, list) else [found]:
                yield _read_export(one, at)

        return read_documents(documents_of(text), read)


def _read_export(export: object, at: str) -> Trace:
    trace = export.get("trace") if isinstance(export, dict) else None
    observations = export.get("observations") if isinstance(export, dict) else None
    if not isinstance(trace, dict) or not isinstance(observations, list):
        raise TypeError("is no export of Langfuse: it has no 'trace' with 'observations'")
    known = [one for one in observations if isinstance(one, dict)]
    known.sort(key=lambda one: (read_time(one.get("startTime")), read_text(one.get("id"))))
    parents = {read_text(one.get("id")): one for one in known}
    events = [event for one in known if (event := _read_event(one, parents)) is not None]
    events.append(RequestDone(total_latency_ms=_seconds_to_ms(trace.get("latency"))))
    versions = {
        read_text(one["promptName"]): read_text(one.get("promptVersion"))
        for one in known
        if one.get("promptName")
    }
    messages = _conversation(trace, known)
    payload = {
        "messages": messages,
        "prompts": versions,
        "prompt_version": next(iter(versions.values()), ""),
        "tools_offered": (),
    }
    name = read_text(trace.get("id"))
    time = read_time(trace.get("timestamp") or trace.get("createdAt")) or at
    if not name or not time:
        raise TypeError("its trace says no id or no time: give --at TIME")
    return make_trace(
        events,
        payload,
        trace_id=name,
        created_at=time,
        session_id=read_text(trace.get("sessionId")),
        channel_user_id=read_text(trace.get("userId")),
        user_message=last_of(messages, "user") or read_text(trace.get("input"))[:20_000],
        final_message=last_of(messages, "assistant") or read_text(trace.get("output"))[:20_000],
    )


def _read_event(one: Mapping[str, Any], all_: Mapping[str, Mapping[str, Any]]) -> Event | None:
    """An event for what is a call, a tool or an agent; None for spans that only group others."""
    kind, name = read_text(one.get("type")), read_text(one.get("name"))
    error = read_text(one.get("statusMessage")) or "error" if one.get("level") == "ERROR" else ""
    if kind == "GENERATION":
        if _repeats_a_call_within(one, all_):
            return None
        usage = one.get("usageDetails")
        usage = usage if isinstance(usage, dict) else {}
        start, end = read_time(one.get("startTime")), read_time(one.get("endTime"))
        return AgentCall(
            model=read_text(one.get("model")),
            tokens=Tokens(
                input=read_count(usage.get("input", one.get("inputUsage"))),
                output=read_count(usage.get("output", one.get("outputUsage"))),
            ),
            latency_ms=milliseconds(start, end),
            cost_usd=read_number(one.get("totalCost")),
            error=error,
        )
    if kind == "TOOL":
        return ToolResult(
            tool_name=name.removeprefix(_TOOL_PREFIX),
            success=not error,
            error=error,
            arguments=read_text(one.get("input")),
            output=read_text(one.get("output")),
        )
    if kind == "AGENT":
        return SubAgent(name=name)
    return None


def _repeats_a_call_within(one: Mapping[str, Any], all_: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a generation encloses one with the same usage, which is the same call seen twice."""
    own = read_text(one.get("id"))
    return any(
        other.get("type") == "GENERATION"
        and read_text(other.get("parentObservationId")) == own
        and other.get("usageDetails") == one.get("usageDetails")
        and bool(one.get("usageDetails"))
        for other in all_.values()
    )


def _conversation(
    trace: Mapping[str, Any], observations: list[dict[str, Any]]
) -> tuple[dict[str, Any], ...]:
    """The messages of the trace, or of the last call that has any, with its answer."""
    last = [one for one in observations if one.get("type") == "GENERATION"][-1:]
    for one in (*last, trace):
        asked = read_messages(one.get("input"))
        if asked:
            answer = one.get("output")
            if isinstance(answer, dict) and answer.get("role"):
                return (*asked, answer)
            return (*asked, {"role": "assistant", "content": read_text(answer)})
    return ()


def _seconds_to_ms(value: object) -> float | None:
    number = read_number(value)
    return None if number is None else number * 1000
