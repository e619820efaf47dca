"""How much history a review reads from a store."""

from collections.abc import Iterator, Sequence

from prompt_lab.ports.trace_store import Added, TraceStore
from prompt_lab.production.detect import detect_in_store, find_history_start
from prompt_lab.traces import Feedback, ToolResult, Trace, VersionUsage, Window
from tests.prompt_lab.production.made_traces import WINDOW, make_trace


class ListStore:
    """Traces in a list, in the order of their times; only what a review reads."""

    def __init__(self, traces: Sequence[Trace], feedback: Sequence[Feedback] = ()) -> None:
        self.traces = sorted(traces, key=lambda one: (one.created_at, one.trace_id))
        self.feedback = feedback

    def add(self, traces: object) -> Added:
        raise NotImplementedError

    def read(self, window: Window) -> Iterator[Trace]:
        return (one for one in self.traces if window.start <= one.created_at < window.end)

    def find(self, trace_id: str) -> Trace | None:
        return next((one for one in self.traces if one.trace_id == trace_id), None)

    def count(self, window: Window) -> int:
        return sum(1 for _ in self.read(window))

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        return []

    def add_feedback(self, feedback: Feedback) -> bool:
        raise NotImplementedError

    def read_feedback(self, window: Window) -> list[Feedback]:
        return [one for one in self.feedback if window.start <= one.created_at < window.end]

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        raise NotImplementedError

    def erase_before(self, time: str) -> int:
        raise NotImplementedError


def make_store(days: int, per_day: int) -> TraceStore:
    """So many traces on each of the days before the window, and in it."""
    return ListStore(
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
        return make_trace(86_399, session=f"s{at}", day="2026-02-25")

    store = ListStore([crowd(at) for at in range(30)])
    assert find_history_start(store, WINDOW, most=10) == WINDOW.start


def test_a_review_reads_window_and_history() -> None:
    detection = detect_in_store(make_store(20, 25), {}, window=WINDOW)
    assert (detection.traces, detection.history) == (25, 500)
    assert [one.identity for one in detection.findings] == ["unused_tools:draw"]
