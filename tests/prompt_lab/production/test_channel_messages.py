"""Messages of users without a trace: which are counted with the next trace, and which are not."""

from prompt_lab.production.channel_messages import add_unanswered
from prompt_lab.production.detect import detect_in_store
from prompt_lab.production.detector import user_messages
from prompt_lab.traces import ChannelMessage, Trace, Window
from tests.memory_stores import MemoryTraces

QUESTION = "Please write an article about green tea"


def at(minute: float) -> str:
    return f"2026-02-26T{int(minute) // 60 + 6:02}:{int(minute) % 60:02}:{minute % 1 * 60:06.3f}Z"


def trace(minute: float, text: str, user: str = "u") -> Trace:
    name = f"{user} {minute}"
    return Trace(
        trace_id=name,
        created_at=at(minute),
        session_id=user,
        channel_user_id=user,
        user_message=text,
    )


def said(minute: float, text: str, *, user: str = "u", **fields: str) -> ChannelMessage:
    given = {"created_at": at(minute), "content": text, "channel_user_id": user, "role": "user"}
    return ChannelMessage.model_validate({**given, **fields})


def merge(*parts: Trace | ChannelMessage) -> list[tuple[str, ...]]:
    traces = [one for one in parts if isinstance(one, Trace)]
    messages = [one for one in parts if isinstance(one, ChannelMessage)]
    return [user_messages(one) for one in add_unanswered(traces, messages)]


def test_a_message_that_no_trace_has_counts_with_the_next() -> None:
    found = merge(said(1, "A"), said(2, "B"), trace(2, "B"), said(3, "C"), trace(3, "C"))
    assert found == [("A", "B"), ("C",)]


def test_a_traces_own_message_may_be_written_before_or_after_it() -> None:
    assert merge(trace(1, "A"), said(1.5, "a "), said(2, "B"), trace(2, "B")) == [("A",), ("B",)]
    late = merge(
        trace(1, "A"), said(1.5, "A"), trace(2, "B"), said(2.5, "B"), said(3, "C"), trace(3, "C")
    )
    assert late == [("A",), ("B",), ("C",)]


def test_a_trace_that_words_its_message_otherwise_is_not_counted_twice() -> None:
    assert merge(said(1, "hi"), trace(1, "[Ann] hi"), said(2, "yes"), trace(2, "[Ann] yes")) == [
        ("[Ann] hi",),
        ("[Ann] yes",),
    ]
    assert merge(said(1, "A"), said(2, "hi"), trace(2, "[Ann] hi")) == [("A", "[Ann] hi")]


def test_other_users_the_agents_own_and_messages_of_a_trace_are_left_out() -> None:
    others = [
        said(1, "A", user="other"),
        said(1, "A", role="assistant"),
        said(1, "A", trace_id="t"),
        said(1, " "),
        said(1, "A", user=""),
    ]
    assert merge(*others, trace(2, "B"), trace(3, "C", user="")) == [("B",), ("C",)]


def test_users_who_repeat_themselves_to_a_silent_agent_are_found() -> None:
    window = Window(at(0), at(600))
    store = MemoryTraces(trace(n, QUESTION, f"user {n}") for n in range(1, 60))
    assert detect_in_store(store, {}, window=window).findings == []
    for n in range(1, 60):
        own = said(n - 0.25, QUESTION, user=f"user {n}", channel_message_id=f"{n} own")
        store.add_messages([own])
    assert detect_in_store(store, {}, window=window).findings == []
    for n in range(1, 60):
        first = said(n - 0.5, QUESTION, user=f"user {n}", channel_message_id=f"{n} first")
        store.add_messages([first])
    [finding] = detect_in_store(store, {}, window=window).findings
    assert finding.detector == "repeated_requests"
    assert (finding.evidence.hits, finding.evidence.total) == (59, 59)
