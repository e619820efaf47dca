"""What is shown again, what stays hidden, and what became of flagged items."""

from prompt_lab.production.history_sections import render_history, render_performance
from prompt_lab.production.memory import is_worse, recall
from prompt_lab.production.rates import difference_interval
from prompt_lab.reviews import (
    Finding,
    FindingEvidence,
    Goal,
    Item,
    ItemState,
    ItemType,
    ReviewSession,
    SessionStatus,
)
from prompt_lab.traces import VersionUsage

YESTERDAY, NOW = "2026-02-25T06:00:00.000Z", "2026-02-26T06:00:00.000Z"


def make_finding(
    hits: int = 6,
    total: int = 40,
    *,
    detector: str = "tool_failures",
    type: ItemType = ItemType.CODE_CHANGE,
    usd: float | None = None,
) -> Finding:
    return Finding(
        detector=detector,
        key="write_article",
        goal=Goal.ACCURACY,
        type=type,
        title="write_article failed",
        evidence=FindingEvidence(
            counts={"failed calls": hits, "calls": total},
            hits=hits,
            total=total,
            usd_per_day=usd,
        ),
    )


def make_session(finding: Finding, **changes: object) -> ReviewSession:
    values = {"created_at": YESTERDAY, "status": SessionStatus.PENDING, **changes}
    state, note = values.pop("state", ItemState.PENDING), values.pop("note", "")
    item = Item(id=1, state=state, note=note, **finding.model_dump())
    return ReviewSession.model_validate(
        {"id": "s1", "window_hours": 24, "trace_count": 60, "items": (item,), **values}
    )


def shown(finding: Finding, session: ReviewSession, now: str = NOW) -> tuple[int, str]:
    found = recall([finding], [finding], [session], now=now)
    return len(found.findings), found.hidden[0].reason if found.hidden else ""


def test_a_new_finding_is_shown() -> None:
    assert recall([make_finding()], [], [], now=NOW).findings == [make_finding()]


def test_the_same_finding_does_not_return_with_like_numbers() -> None:
    assert shown(make_finding(8), make_session(make_finding(6))) == (
        0,
        "shown on 2026-02-25, and no worse since",
    )


def test_it_returns_when_its_rate_is_shown_to_be_higher() -> None:
    assert shown(make_finding(20), make_session(make_finding(6)))[0] == 1


def test_it_returns_when_fewer_failures_are_retried() -> None:
    old, new = make_finding(10), make_finding(10)
    old = old.model_copy(
        update={
            "evidence": old.evidence.model_copy(update={"counts": {"failed calls not retried": 0}})
        }
    )
    new = new.model_copy(
        update={
            "evidence": new.evidence.model_copy(update={"counts": {"failed calls not retried": 9}})
        }
    )
    assert shown(new, make_session(old))[0] == 1


def test_a_cost_returns_when_it_grew_by_more_than_a_quarter() -> None:
    def cost(usd: float) -> FindingEvidence:
        return FindingEvidence(usd_per_day=usd, tokens_per_day=1.0)

    assert is_worse(cost(1.3), cost(1.0))
    assert not is_worse(cost(1.2), cost(1.0))
    assert not is_worse(FindingEvidence(tokens_per_day=9.0), FindingEvidence(usd_per_day=1.0))


def test_a_dismissed_finding_stays_dismissed_with_its_reason_even_if_it_grows() -> None:
    session = make_session(make_finding(2), state=ItemState.REMOVED, note="we know, it is the API")
    count, reason = shown(make_finding(35), session)
    assert count == 0
    assert reason == "dismissed on 2026-02-25: we know, it is the API"


def test_a_dismissal_outlasts_later_sessions() -> None:
    dismissed = make_session(make_finding(2), state=ItemState.REMOVED, note="known")
    later = make_session(make_finding(2), id="s2", created_at="2026-02-25T20:00:00.000Z")
    found = recall([make_finding(30)], [], [later, dismissed], now=NOW)
    assert [one.reason for one in found.hidden] == ["dismissed on 2026-02-25: known"]


def test_a_discarded_analysis_hides_its_findings_until_they_get_worse() -> None:
    session = make_session(make_finding(6), status=SessionStatus.REJECTED)
    assert shown(make_finding(6), session)[0] == 0
    assert shown(make_finding(25), session)[0] == 1


def test_a_prompt_change_returns_when_the_prompt_has_changed_or_it_was_refused() -> None:
    def change(text: str) -> Finding:
        finding = make_finding(detector="repeated_blocks", type=ItemType.PROMPT_CHANGE)
        return finding.model_copy(update={"prompt_text": text})

    assert shown(change("a"), make_session(change("a")))[0] == 0
    assert shown(change("b"), make_session(change("a")))[0] == 1
    assert shown(change("a"), make_session(change("a"), state=ItemState.REFUSED))[0] == 1


def test_what_was_deployed_returns_once_the_deployment_is_old_enough() -> None:
    session = make_session(make_finding(6), state=ItemState.DEPLOYED)
    assert shown(make_finding(6), session) == (0, "deployed on 2026-02-25")
    assert shown(make_finding(6), session, now="2026-02-28T06:00:00.000Z")[0] == 1


def test_a_flagged_code_change_is_checked_the_next_day_with_an_interval() -> None:
    today = make_finding(0, 45)
    (line,) = recall([], [today], [make_session(make_finding(6))], now=NOW).follow_ups
    low, high = difference_interval((0, 45), (6, 40))
    assert line.change == (low, high)
    assert line.text == (
        "write_article failures: 6 -> 0 (of 40 and 45 sessions; share of sessions"
        f" {low * 100:+.0f} to {high * 100:+.0f} points)"
    )
    assert line.is_better


def test_a_code_change_that_changed_nothing_is_not_called_better() -> None:
    (line,) = recall([], [make_finding(5)], [make_session(make_finding(6))], now=NOW).follow_ups
    assert not line.is_better
    assert line.text.startswith("write_article failures: 6 -> 5 ")


def test_a_tool_that_was_not_called_since_says_so() -> None:
    (line,) = recall([], [], [make_session(make_finding(6))], now=NOW).follow_ups
    assert line.text == "write_article failures: 6 -> 0 (not seen since)"
    assert not line.is_better


def test_old_removed_and_prompt_items_are_not_followed() -> None:
    old = make_session(make_finding(6), created_at="2026-02-20T06:00:00.000Z")
    removed = make_session(make_finding(6), state=ItemState.REMOVED)
    prompt = make_session(make_finding(6, type=ItemType.PROMPT_CHANGE))
    for session in (old, removed, prompt):
        assert recall([], [], [session], now=NOW).follow_ups == []


def test_history_lists_sessions_newest_first_with_states_and_reasons() -> None:
    sessions = [
        make_session(make_finding(), created_at="2026-02-24T06:00:00.000Z"),
        make_session(make_finding(), state=ItemState.REMOVED, note="known"),
    ]
    assert render_history(sessions) == (
        "## Previous Optimization History\n"
        "2026-02-25: pending\n"
        "- tool_failures:write_article: write_article failed [removed (known)]\n"
        "2026-02-24: pending\n"
        "- tool_failures:write_article: write_article failed [pending]"
    )
    assert render_history([]).endswith("No session so far.")


def test_performance_names_the_last_two_versions_and_the_improvement() -> None:
    def usage(version: str, sessions: int, cost: float) -> VersionUsage:
        return VersionUsage(version, sessions, sessions, cost, 0, 0, 0, 0, 0, 0, "", "")

    text = render_performance([usage("a3f9b1c2ff", 15, 0.66), usage("9d01c2aa", 20, 0.62)])
    assert text == (
        "## Prompt Version Performance\n"
        "version a3f9b1c2: avg $0.044, 15 runs (before)\n"
        "version 9d01c2aa: avg $0.031, 20 runs (after)\n"
        "Improvement: -29.5%"
    )
    assert "Improvement" not in render_performance([usage("a3f9b1c2", 15, 0.66)])
    assert render_performance([]).endswith("No session so far.")
