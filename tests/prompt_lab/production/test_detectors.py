"""Detectors of tools, sessions and feedback: what each finds, leaves, and counts."""

from collections.abc import Iterator

import pytest

from prompt_lab.errors import UnknownName
from prompt_lab.production.detect import DETECTORS, load_detectors
from prompt_lab.production.detector import (
    DetectionContext,
    DetectionPolicy,
    OpenSessions,
)
from prompt_lab.reviews import Goal, ItemType
from prompt_lab.traces import Feedback, Trace, UserMessage, Window
from tests.prompt_lab.production.made_traces import (
    MONTH,
    WINDOW,
    fill,
    find_one,
    make_call,
    make_trace,
    names,
    review,
    use,
)


def test_two_failures_without_retry_in_twelve_sessions_are_found() -> None:
    traces = [make_trace(at, use("write_article", at > 1)) for at in range(12)]
    finding = find_one(review(traces), "tool_failures")
    assert finding.title == "write_article failed twice without retry"
    assert finding.impact == "~2 extra sessions wasted"
    assert finding.type is ItemType.CODE_CHANGE
    assert finding.goal is Goal.ACCURACY
    assert finding.evidence.trace_ids == ("2026-02-26-0", "2026-02-26-1")
    assert finding.evidence.interval is not None


def test_a_failure_that_is_retried_in_a_later_trace_of_the_session_counts_as_retried() -> None:
    traces = []
    for at in range(12):
        traces.append(make_trace(2 * at, use("t", False), session=f"s{at}"))
        traces.append(make_trace(2 * at + 1, use("t", True), session=f"s{at}"))
    counts = find_one(review(traces), "mostly_failing_tools").evidence.counts
    assert counts["failed calls"] == 12
    assert counts["failed calls not retried"] == 0
    assert counts["sessions"] == 12


def test_one_failure_in_fifty_sessions_is_not_a_finding() -> None:
    traces = [make_trace(at, use("t", at > 0, True)) for at in range(50)]
    assert names(review(traces)) == set()


def test_what_nothing_says_about_success_is_no_failure_unless_it_has_an_error() -> None:
    quiet = [make_trace(at, use("t", None)) for at in range(20)]
    assert names(review(quiet)) == set()
    loud = [make_trace(at, use("t", None, error="timeout")) for at in range(20)]
    assert names(review(loud)) == {"mostly_failing_tools"}


def test_a_tool_that_mostly_fails_is_one_finding_and_not_two() -> None:
    traces = [make_trace(at, use("t", at % 5 == 0)) for at in range(40)]
    finding = find_one(review(traces), "mostly_failing_tools")
    assert finding.goal is Goal.CAPABILITIES
    assert finding.title == "t mostly fails: 80 % of 40 calls, 32 not retried"
    assert names(review(traces)) == {"mostly_failing_tools"}


def test_failures_from_before_the_window_do_not_count() -> None:
    traces = [make_trace(at, use("t", False), day="2026-02-25") for at in range(30)]
    assert names(review([*traces, *fill(20)])) == set()


def test_an_offered_tool_that_is_never_called_needs_many_sessions() -> None:
    def offer(count: int) -> list[Trace]:
        return fill(count, tools_offered=("search", "draw"))

    assert names(review(offer(100), window=MONTH)) == set()
    finding = find_one(review(offer(600), window=MONTH), "unused_tools")
    assert finding.key == "draw"
    assert finding.title == "draw was never called in 600 sessions that offered it"
    assert finding.evidence.p_value == pytest.approx(0.97**600)


def test_a_tool_that_was_called_once_in_the_history_is_used() -> None:
    history = make_trace(1, use("draw", True), day="2026-02-20", tools_offered=("search", "draw"))
    traces = [history, *fill(2000, tools_offered=("search", "draw"))]
    assert names(review(traces)) == set()


def test_without_a_list_of_offered_tools_none_is_called_unused() -> None:
    assert names(review(fill(2000), window=MONTH)) == set()


def test_error_answers_are_found_and_a_hand_over_is_none() -> None:
    errors = [make_trace(at, [make_call(error="503")], final="") for at in range(10)]
    finding = find_one(review([*errors, *fill(30)]), "error_answers")
    assert finding.title == "10 requests of 40 ended in an error"
    handed_over = [make_trace(at, use("transfer_to_human", True), final="") for at in range(40)]
    assert names(review(handed_over)) == set()
    texts = [make_trace(at, final="Internal Server Error") for at in range(10)]
    assert names(review([*texts, *fill(30)])) == {"error_answers"}


def test_users_who_repeat_themselves_are_found() -> None:
    def ask(at: int, second: str) -> Iterator[Trace]:
        first = f"Please change my flight number {at} to Friday"
        yield make_trace(2 * at, text=first, session=f"s{at}")
        yield make_trace(2 * at + 1, text=second or first.upper() + "!", session=f"s{at}")

    same = [trace for at in range(12) for trace in ask(at, "")]
    finding = find_one(review([*same, *fill(28)]), "repeated_requests")
    assert finding.evidence.hits == 12
    assert finding.title == "Users repeated their request in 12 sessions of 40 (30 %)"
    other = [trace for at in range(12) for trace in ask(at, "Thanks, and the baggage please?")]
    assert names(review([*other, *fill(28)])) == set()
    polite = [
        make_trace(at, [UserMessage(text="yes"), UserMessage(text="yes")]) for at in range(40)
    ]
    assert names(review(polite)) == set()


def test_long_sessions_are_found_by_their_messages() -> None:
    def talk(at: int, messages: int) -> Trace:
        return make_trace(at, [UserMessage(text=f"m{at} {n}") for n in range(messages)])

    traces = [talk(at, 30 if at < 20 else 3) for at in range(40)]
    finding = find_one(review(traces), "long_sessions")
    assert finding.evidence.hits == 20
    assert names(review([talk(at, 14) for at in range(40)])) == set()


def test_thumbs_down_are_found_above_their_limit() -> None:
    traces = fill(100)
    down = [
        Feedback(trace_id=trace.trace_id, thumb="down", created_at=trace.created_at)
        for trace in traces[:25]
    ]
    finding = find_one(review(traces, down), "thumbs_down")
    assert finding.title == "25 answers of 100 got a thumb down (25 %)"
    assert names(review(traces, down[:6])) == set()


def test_memory_is_bounded_by_closing_the_session_not_seen_for_longest() -> None:
    closed: list[list[int]] = []
    sessions: OpenSessions[list[int]] = OpenSessions(list, closed.append, limit=3)
    for at, name in enumerate(["a", "b", "a", "c", "d", "e"]):
        sessions.find_state(make_trace(at, session=name)).append(at)
    assert closed == [[1], [0, 2]]
    sessions.close_all()
    assert closed == [[1], [0, 2], [3], [4], [5]]


def test_names_out_of_traces_stay_on_one_line() -> None:
    tool = "t\n## Heading\x00" + "x" * 500
    traces = [make_trace(at, use(tool, False)) for at in range(20)]
    (finding,) = review(traces).findings
    assert "\n" not in finding.title
    assert len(finding.title) < 200


def test_detectors_can_be_switched_off_and_an_unknown_name_is_refused() -> None:
    traces = [make_trace(at, use("t", False)) for at in range(20)]
    off = DetectionPolicy(off=("mostly_failing_tools",))
    assert names(review(traces, policy=off)) == {"tool_failures"}
    with pytest.raises(UnknownName, match="tool_failure"):
        review(traces, policy=DetectionPolicy(off=("tool_failure",)))


def test_every_detector_of_ours_can_be_loaded() -> None:
    context = DetectionContext(WINDOW, {}, {}, DetectionPolicy(), {})
    assert set(DETECTORS) <= set(load_detectors(context))


def test_an_empty_window_has_no_findings() -> None:
    assert review([]).findings == []
    assert review([], window=Window(WINDOW.start, WINDOW.start)).findings == []


def test_a_daily_review_spends_a_thirtieth_of_the_months_level() -> None:
    assert review([]).level == pytest.approx(0.05 / 30)
    assert review([], window=MONTH).level == pytest.approx(0.05)
