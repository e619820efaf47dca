"""The real airline sessions: exact counts of the tools that fail, and nothing that is no fault."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from prompt_lab.production.detect import detect
from prompt_lab.reviews import Finding
from prompt_lab.traces import AgentCall, Event, Payload, ToolResult, Trace, UserMessage, Window

FILE = Path(__file__).parents[4] / "shared/data/traces/tau_bench/gpt-4o-airline-trials-0-1.jsonl"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="a clone has no real sessions beside it")
WINDOW = Window("2026-02-26T00:00:00.000Z", "2026-02-27T00:00:00.000Z")
FAILED = {"update_reservation_flights": (56, 23, 2), "book_reservation": (20, 10, 1)}


def read_sessions() -> Iterator[Trace]:
    for line in FILE.read_text("utf-8").splitlines():
        row = json.loads(line)
        name = f"{row['task_id']}-{row['trial']}"
        yield Trace(
            trace_id=name,
            created_at="2026-02-26T06:00:00.000Z",
            session_id=name,
            payload=Payload(
                events=tuple(_read_event(message) for message in row["traj"]),
                messages=tuple(row["traj"]),
                outcome=row["reward"],
            ),
        )


def _read_event(message: dict[str, str]) -> Event:
    if message["role"] == "tool":
        failed = message["content"].startswith("Error")
        return ToolResult(tool_name=message["name"], success=not failed)
    if message["role"] == "user":
        return UserMessage(text=message["content"])
    return AgentCall(model="gpt-4o")


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    traces = list(read_sessions())
    assert len(traces) == 100
    return detect(traces, [], {}, window=WINDOW)


def test_both_failing_tools_are_named_with_exact_counts(found: list[Finding]) -> None:
    tools = {one.key: one for one in found if "failed calls" in one.evidence.counts}
    assert set(tools) == set(FAILED)
    for name, (calls, failed, unretried) in FAILED.items():
        counts = tools[name].evidence.counts
        assert counts["calls"] == calls
        assert counts["failed calls"] == failed
        assert counts["failed calls not retried"] == unretried
        assert name in tools[name].title


def test_the_session_ids_are_those_of_sessions_with_a_failure(found: list[Finding]) -> None:
    failed: dict[str, list[str]] = {name: [] for name in FAILED}
    for trace in read_sessions():
        for name in FAILED:
            calls = [e for e in trace.payload.events if isinstance(e, ToolResult)]
            if any(e.tool_name == name and not e.success for e in calls):
                failed[name].append(trace.trace_id)
    for one in found:
        if one.key in failed:
            assert list(one.evidence.trace_ids) == failed[one.key][:20]
            assert one.evidence.counts["sessions with a failed call"] == len(failed[one.key])


def test_nothing_else_is_found(found: list[Finding]) -> None:
    # no tool is called unused, and a hand-over to a person is no failure
    assert {one.identity for one in found} == {f"tool_failures:{name}" for name in FAILED}
