"""A trace as a conversation: nothing that its events hold is left out."""

from prompt_lab.report.review_timeline import read_timeline
from prompt_lab.traces import Payload, Trace


def test_a_failed_tool_of_which_no_message_tells_is_shown() -> None:
    payload = {
        "messages": [
            {"role": "user", "content": "Book it."},
            {"role": "assistant", "content": "I could not."},
        ],
        "events": [
            {"type": "tool_result", "tool_name": "book", "success": False, "error": "no seat left"}
        ],
    }
    trace = Trace(
        trace_id="t",
        created_at="2026-01-01T00:00:00.000Z",
        user_message="Book it.",
        final_message="I could not.",
        payload=Payload.model_validate(payload),
    )
    shown = read_timeline(trace).entries
    assert [one.kind for one in shown] == ["user", "agent", "tool"]
    assert shown[-1].text == "no seat left"
    assert shown[-1].is_failed
