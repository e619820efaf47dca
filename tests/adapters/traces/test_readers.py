"""Readers of other tools' traces: on real files, and on anything at all."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.traces.jsonl import JsonlTraces
from adapters.traces.langfuse import LangfuseTraces
from adapters.traces.openai_chat import OpenAiChats
from adapters.traces.openinference import OpenInferenceTraces
from adapters.traces.spans import read_time
from prompt_lab.ports.trace_reader import MalformedTrace, TraceReader
from prompt_lab.traces import AgentCall, Payload, ToolResult, Trace, UserMessage

REAL = Path(__file__).parents[4] / "shared/data/traces"
needs_real_traces = pytest.mark.skipif(
    not REAL.exists(), reason="a clone has no real sessions beside it"
)
AT = "2026-02-26T06:00:00.000Z"
READERS = [JsonlTraces, OpenAiChats, LangfuseTraces, OpenInferenceTraces]


def read_all(reader: TraceReader, text: str, at: str = AT) -> list[Trace]:
    found = list(reader.read(text, at=at))
    assert [one for one in found if isinstance(one, MalformedTrace)] == []
    return [one for one in found if isinstance(one, Trace)]


@needs_real_traces
def test_every_airline_session_is_read_with_its_tools_and_what_became_of_it() -> None:
    file = REAL / "tau_bench/gpt-4o-airline-trials-0-1.jsonl"
    traces = read_all(OpenAiChats(), file.read_text("utf-8"))
    assert len(traces) == len({one.trace_id for one in traces}) == 100
    results = [
        event for one in traces for event in one.payload.events if isinstance(event, ToolResult)
    ]
    failed = Counter(one.tool_name for one in results if not one.success)
    calls = Counter(one.tool_name for one in results)
    assert failed == {"update_reservation_flights": 23, "book_reservation": 10}
    assert (calls["update_reservation_flights"], calls["book_reservation"]) == (56, 20)
    assert len(calls) == 14
    assert sum(one.payload.outcome or 0 for one in traces) == 43
    assert all(json.loads(one.arguments) is not None for one in results)
    assert {one.created_at for one in traces} == {AT}
    assert [one.session for one in traces] == [one.trace_id for one in traces]


@needs_real_traces
def test_without_a_time_no_airline_session_is_taken() -> None:
    file = REAL / "tau_bench/gpt-4o-airline-trials-0-1.jsonl"
    found = list(OpenAiChats().read(file.read_text("utf-8"), at=""))
    assert len(found) == 100
    assert all(isinstance(one, MalformedTrace) and "--at TIME" in one.reason for one in found)


@needs_real_traces
def test_every_langfuse_export_is_read_with_models_and_tokens_of_its_generations() -> None:
    files = sorted((REAL / "langfuse").glob("*.json"))
    assert len(files) == 8
    for file in files:
        export = json.loads(file.read_text("utf-8"))
        (trace,) = read_all(LangfuseTraces(), file.read_text("utf-8"), at="")
        assert trace.trace_id == export["trace"]["id"]
        assert trace.created_at == export["trace"]["timestamp"]
        given = [one for one in export["observations"] if one["type"] == "GENERATION"]
        calls = [one for one in trace.payload.events if isinstance(one, AgentCall)]
        assert {one.model for one in calls} == {one["model"] or "" for one in given}
        assert sum(one.tokens.input for one in calls) > 0
        assert sum(one.tokens.input for one in calls) <= sum(
            one["usageDetails"].get("input", 0) for one in given
        )
        errors = [one for one in export["observations"] if one["level"] == "ERROR"]
        found = [one for one in trace.payload.events if getattr(one, "error", "")]
        kept = [one for one in errors if one["type"] in ("GENERATION", "TOOL")]
        assert len(found) == len(kept)
        named = {one["promptName"] for one in given if one.get("promptName")}
        assert set(trace.payload.prompts) == named


@needs_real_traces
def test_every_span_of_the_real_file_is_in_a_trace_and_tokens_count_once() -> None:
    text = (REAL / "openinference/all-spans.json").read_text("utf-8")
    spans = json.loads(text)
    traces = read_all(OpenInferenceTraces(), text, at="")
    assert {one.trace_id for one in traces} == {one["spanContext"]["traceId"] for one in spans}
    inner = [one for one in spans if ".do" in one["name"] and "embed" not in one["name"]]
    by_id = {one.trace_id: one for one in traces}
    for span in inner:
        (call,) = by_id[span["spanContext"]["traceId"]].payload.events
        assert isinstance(call, AgentCall)
        assert call.tokens.input == span["attributes"]["gen_ai.usage.input_tokens"]
        assert call.model == span["attributes"]["gen_ai.response.model"]


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "m",
            "llm.token_count.prompt": 5,
            "llm.token_count.completion": 2,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "Hi",
            "llm.prompt_template.version": "v3",
        },
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.response.model": "m",
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 2,
            "gen_ai.input.messages": '[{"role": "user", "content": "Hi"}]',
            "gen_ai.prompt.name": "writer",
            "gen_ai.prompt.version": "v3",
        },
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.usage.prompt_tokens": "5",
            "gen_ai.usage.completion_tokens": "2",
            "gen_ai.prompt": '[{"role": "user", "content": "Hi"}]',
            "gen_ai.prompt.version": "v3",
        },
    ],
    ids=["openinference", "genai", "genai of 1.36"],
)
@pytest.mark.parametrize("form", ["mapping", "otlp"])
def test_generations_of_conventions_say_the_same(attributes: dict[str, object], form: str) -> None:
    given: object = attributes
    if form == "otlp":
        given = [
            {"key": k, "value": {"intValue" if isinstance(v, int) else "stringValue": v}}
            for k, v in attributes.items()
        ]
    span = {"traceId": "t1", "name": "chat m", "attributes": given}
    span |= {"startTimeUnixNano": "1770131992000000000", "endTimeUnixNano": "1770131993500000000"}
    (trace,) = read_all(OpenInferenceTraces(), json.dumps(span), at="")
    (call,) = trace.payload.events
    assert isinstance(call, AgentCall)
    assert (call.model, call.tokens.input, call.tokens.output) == ("m", 5, 2)
    assert call.latency_ms == 1500.0
    assert (trace.user_message, trace.payload.prompt_version) == ("Hi", "v3")


def test_a_failed_tool_span_is_a_failed_tool() -> None:
    span = {
        "trace_id": "t",
        "name": "search",
        "start_time": "2026-01-01T00:00:00Z",
        "attributes": {"openinference.span.kind": "TOOL", "tool.name": "search"},
        "status": {"code": "ERROR", "message": "timed out"},
    }
    (trace,) = read_all(OpenInferenceTraces(), json.dumps([span]), at="")
    (event,) = trace.payload.events
    assert isinstance(event, ToolResult)
    assert (event.tool_name, event.success, event.error) == ("search", False, "timed out")


def test_our_own_form_comes_back_as_it_was_written() -> None:
    trace = Trace(
        trace_id="a",
        created_at=AT,
        user_message="a\u2028b",
        payload=Payload(events=(UserMessage(text="x"), ToolResult(tool_name="t", success=False))),
    )
    text = trace.model_dump_json() + "\n\n" + trace.model_dump_json(exclude_none=True)
    assert read_all(JsonlTraces(), text, at="") == [trace, trace]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Expecting property name"),
        ("[]", "is no JSON object"),
        ('{"trace_id": "a"}', "'created_at' is missing"),
        ('{"trace_id": "", "created_at": "2026-01-01"}', "trace_id"),
        ('{"trace_id": "a", "created_at": "2026-01-01", "payload": 5}', "payload"),
        ("[" * 300, "100 levels"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(line: str, says: str) -> None:
    good = '{"trace_id": "b", "created_at": "2026-01-01T00:00:00Z"}'
    found = list(JsonlTraces().read(f"{line}\n{good}", at=""))
    assert isinstance(found[0], MalformedTrace)
    assert found[0].line == 1
    assert says in found[0].reason
    assert isinstance(found[1], Trace)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_gives_traces_or_reasons(reader: type[TraceReader], text: str) -> None:
    for one in reader().read(text, at=AT):
        assert isinstance(one, Trace | MalformedTrace)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["trace", "observations", "traceId", "attributes", "messages", "role", "content", "id",
             "type", "startTime", "usageDetails", "payload", "events", "status", "spanContext",
             "tool_calls", "function", "task_id", "timestamp", "latency", "input"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=150, deadline=None)
@given(value=_JSON)
def test_any_json_gives_traces_or_reasons(reader: type[TraceReader], value: object) -> None:
    for one in reader().read(json.dumps(value), at=AT):
        assert isinstance(one, Trace | MalformedTrace)


@pytest.mark.parametrize(
    "value", ["", "yesterday", None, True, [], [1], {}, "9" * 40, float("nan"), [1e300, 0], -1e300]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert read_time(value) == ""
