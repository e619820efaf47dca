"""How much history a review reads from a store."""

from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.production.detect import detect_in_store, find_history_start
from prompt_lab.traces import ToolResult, Trace, Window
from tests.memory_stores import MemoryTraces
from tests.prompt_lab.production.made_traces import WINDOW, make_trace


def make_store(days: int, per_day: int) -> TraceStore:
    """So many traces on each of the days before the window, and in it."""
    return MemoryTraces(
        [
            make_trace(
                at * 60,
                [ToolResult(tool_name="search", success=True)],
                day=f"2026-02-{26 - back:02d}",
                tools_offered=("search", "draw"),
            )
            for back in range(days + 1)
            for at in range(per_day)
        ]
    )


def test_a_small_store_is_read_for_thirty_days() -> None:
    store = make_store(10, 5)
    assert find_history_start(store, WINDOW) == "2026-01-27T00:00:00.000Z"


def test_a_large_store_is_read_as_far_as_the_limit_goes() -> None:
    store = make_store(10, 24)
    start = find_history_start(store, WINDOW, most=50)
    assert start == "2026-02-23T01:00:00.000Z"  # the third day, all in its first hour, is too much
    assert store.count(Window(start, WINDOW.start)) <= 50


def test_a_day_with_too_many_traces_has_no_history() -> None:
    def crowd(at: int) -> Trace:
        trace = make_trace(86_399, session=f"s{at}", day="2026-02-25")
        return trace.model_copy(update={"trace_id": f"crowd {at}"})

    store = MemoryTraces([crowd(at) for at in range(30)])
    assert find_history_start(store, WINDOW, most=10) == WINDOW.start


def test_a_review_reads_window_and_history() -> None:
    detection = detect_in_store(make_store(20, 25), {}, window=WINDOW)
    assert (detection.traces, detection.history) == (25, 500)
    assert [one.identity for one in detection.findings] == ["unused_tools:draw"]
