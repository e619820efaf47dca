"""Each detector alone: what it finds, what it leaves, and with which numbers."""

from collections.abc import Iterator

import numpy as np
import pytest

from prompt_lab.errors import UnknownName
from prompt_lab.production.detect import DETECTORS, load_detectors
from prompt_lab.production.detector import (
    DetectionContext,
    DetectionPolicy,
    OpenSessions,
    agent_calls,
)
from prompt_lab.production.text_blocks import find_repeats, find_sections, remove_blocks
from prompt_lab.reviews import Goal, ItemType
from prompt_lab.traces import Feedback, ToolResult, Trace, UserMessage, Window
from tests.prompt_lab.production.made_traces import (
    MONTH,
    WINDOW,
    find_one,
    make_call,
    make_trace,
    names,
    review,
)


def use(tool: str, *results: bool | None, error: str = "") -> list[ToolResult]:
    return [ToolResult(tool_name=tool, success=result, error=error) for result in results]


def fill(count: int, **changes: object) -> list[Trace]:
    return [make_trace(10_000 + at, use("search", True), **changes) for at in range(count)]  # type: ignore[arg-type]


def test_two_failures_without_retry_in_twelve_sessions_are_found() -> None:
    traces = [make_trace(at, use("write_article", at > 1)) for at in range(12)]
    finding = find_one(review(traces), "tool_failures")
    assert finding.title == "write_article failed twice without retry"
    assert finding.impact == "~2 sessions ended without what write_article was called for"
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
    assert finding.evidence.p_value == pytest.approx(0.98**600)


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


def test_a_worse_version_names_the_earlier_one_and_its_text() -> None:
    old = fill(200, day="2026-02-20", prompts={"p": "aaaa"}, cost=0.04)
    new = fill(60, prompts={"p": "bbbb"}, cost=0.04)
    down = [
        Feedback(trace_id=one.trace_id, thumb="down", created_at=one.created_at)
        for one in (*old[:4], *new[:20])
    ]
    detection = review([*old, *new], down, {"p": "new text"}, earlier={"aaaa": "old text"})
    finding = find_one(detection, "version_change")
    assert finding.title == (
        "p got worse with version bbbb: thumbs down in 33 % of sessions, 2.0 % before"
    )
    assert (finding.type, finding.prompt_text) == (ItemType.PROMPT_CHANGE, "old text")
    unknown = find_one(review([*old, *new], down, {"p": "new text"}), "version_change")
    assert (unknown.type, unknown.prompt_text) == (ItemType.INVESTIGATE, "")


def test_after_a_rollback_the_earlier_version_is_the_current_one() -> None:
    good = fill(100, day="2026-02-20", prompts={"p": "good"})
    bad = fill(60, day="2026-02-22", prompts={"p": "bad"})
    back = fill(60, day="2026-02-25", prompts={"p": "good"})
    down = [
        Feedback(trace_id=one.trace_id, thumb="down", created_at=one.created_at) for one in bad[:30]
    ]
    day = Window("2026-02-25T00:00:00.000Z", WINDOW.start)
    assert names(review([*good, *bad, *back], down, window=day)) == set()
    worse = fill(60, prompts={"p": "worse"})
    down += [
        Feedback(trace_id=one.trace_id, thumb="down", created_at=one.created_at)
        for one in worse[:30]
    ]
    finding = find_one(review([*good, *bad, *back, *worse], down), "version_change")
    assert finding.fix == "Return to the text of version good."


def test_a_dearer_version_is_found_and_a_drift_of_five_per_cent_is_not() -> None:
    rng = np.random.default_rng(1)

    def sessions(version: str, day: str, factor: float) -> list[Trace]:
        return [
            make_trace(
                at, day=day, cost=0.04 * factor * rng.lognormal(0, 0.3), prompts={"p": version}
            )
            for at in range(300)
        ]

    old = sessions("a", "2026-02-20", 1.0)
    assert names(review([*old, *sessions("b", "2026-02-26", 1.05)])) == set()
    finding = find_one(review([*old, *sessions("b", "2026-02-26", 1.4)]), "version_change")
    assert finding.goal is Goal.COST
    assert finding.evidence.counts["increase from"] < 0.4 < finding.evidence.counts["increase to"]


@pytest.mark.parametrize("factor", [1.0, 1.4, 3.0])
def test_a_slow_model_is_found_by_answers_of_like_length(factor: float) -> None:
    rng = np.random.default_rng(2)
    traces = []
    for at in range(80):
        slow = at % 2 == 0
        written = int(rng.choice([100, 1000]))
        latency = 1000.0 * rng.lognormal(0, 0.3) * (factor if slow else 1.0) * written / 100
        call = make_call("slow" if slow else "quick", written=written, latency_ms=latency)
        traces.append(make_trace(at, [call]))
    detection = review(traces)
    if factor < 1.5:
        assert names(detection) == set()
        return
    finding = find_one(detection, "slow_models")
    assert (finding.key, finding.config_key, finding.config_value) == ("slow", "model", "quick")
    low, high = (finding.evidence.counts[f"times as long {end}"] for end in ("from", "to"))
    assert low < 3.0 < high


def test_a_model_that_writes_longer_answers_is_not_slow_for_it() -> None:
    rng = np.random.default_rng(3)
    traces = [
        make_trace(
            at,
            [
                make_call("long", written=2000, latency_ms=9000 * rng.lognormal(0, 0.2))
                if at % 2
                else make_call("short", written=100, latency_ms=1000 * rng.lognormal(0, 0.2))
            ],
        )
        for at in range(100)
    ]
    assert names(review(traces)) == set()


def model_sessions(bad: dict[str, int], count: int = 400) -> tuple[list[Trace], list[Feedback]]:
    prices = {"dear": (3e-6, 15e-6), "cheap": (1e-6, 5e-6)}
    rng = np.random.default_rng(4)
    traces, feedback = [], []
    for name, (read_price, written_price) in prices.items():
        for at in range(count):
            read, written = int(rng.integers(500, 3000)), int(rng.integers(50, 500))
            cost = read * read_price + written * written_price
            call = make_call(name, read, written, cost_usd=cost)
            trace = make_trace(at * 2 + (name == "dear"), [call], cost=cost)
            traces.append(trace)
            if at < bad[name]:
                feedback.append(
                    Feedback(trace_id=trace.trace_id, thumb="down", created_at=trace.created_at)
                )
    return sorted(traces, key=lambda one: one.created_at), feedback


def test_a_cheaper_model_that_does_as_well_is_named_with_what_it_saves() -> None:
    traces, feedback = model_sessions({"dear": 8, "cheap": 8})
    finding = find_one(review(traces, feedback), "dear_models")
    assert (finding.config_key, finding.config_value) == ("model", "cheap")
    assert finding.title == "cheap did as well as dear at 33 % of the price"
    calls = [call for trace in traces for call in agent_calls(trace) if call.model == "dear"]
    spent = sum(call.cost_usd or 0.0 for call in calls)
    assert finding.evidence.usd_per_day == pytest.approx(spent * 2 / 3, rel=0.01)


def test_a_cheaper_model_that_does_worse_is_not_proposed() -> None:
    traces, feedback = model_sessions({"dear": 4, "cheap": 40})
    assert "dear_models" not in names(review(traces, feedback))


BLOCK = "## Style\n" + "\n".join(f"- Rule {at}: keep every sentence short." for at in range(12))


def test_a_block_twice_in_a_prompt_becomes_a_change_without_the_second_one() -> None:
    text = f"You write.\n\n{BLOCK}\n\n## Tools\nSearch first.\n\n{BLOCK}\n"
    calls = [make_call(cost_usd=0.0045), make_call(read=2000, cost_usd=0.0075), make_call()]
    traces = [make_trace(at, calls, prompts={"p": "v"}) for at in range(10)]
    finding = find_one(review(traces, prompts={"p": text}), "repeated_blocks")
    assert finding.type is ItemType.PROMPT_CHANGE
    assert finding.prompt_text == f"You write.\n\n{BLOCK}\n\n## Tools\nSearch first.\n"
    tokens = finding.evidence.counts["tokens sent again"]
    assert finding.evidence.tokens_per_day == tokens * 30
    assert finding.evidence.usd_per_day == pytest.approx(tokens * 30 * 3e-6, rel=0.01)


def test_only_calls_of_traces_that_sent_the_prompt_are_counted() -> None:
    text = f"You write.\n\n{BLOCK}\n\n{BLOCK}\n"
    other = [{"role": "system", "content": "You translate."}]
    sent = [{"role": "system", "content": text}]
    traces = [make_trace(at, [make_call()], messages=sent if at < 4 else other) for at in range(10)]
    finding = find_one(review(traces, prompts={"p": text}), "repeated_blocks")
    assert finding.evidence.counts["calls"] == 4


def test_a_block_that_code_sends_twice_is_a_code_change() -> None:
    sent = [{"role": "system", "content": f"You write.\n{BLOCK}\nContext:\n{BLOCK}"}]
    traces = [make_trace(at, [make_call()], messages=sent) for at in range(10)]
    finding = find_one(review(traces, prompts={"p": "You write.\n"}), "repeated_blocks")
    assert finding.type is ItemType.CODE_CHANGE
    assert finding.evidence.counts["traces"] == 10
    assert finding.prompt_text == ""


def test_a_large_section_is_named_with_its_share() -> None:
    text = "## Facts\n" + "\n".join(f"fact {at} is about thing {at}" for at in range(300))
    traces = [
        make_trace(at, [make_call(read=2400)], messages=[{"role": "system", "content": text}])
        for at in range(5)
    ]
    finding = find_one(review(traces), "large_sections")
    assert finding.key == "Facts"
    assert finding.type is ItemType.INVESTIGATE
    assert 0.8 < (finding.evidence.rate or 0) <= 1


FACTS = "## Company\n" + "\n".join(
    f"The office in Town{at} is led by Person{at}, phone 555-{at:04d}." for at in range(20)
)


@pytest.mark.parametrize("used", [0, 60])
def test_context_that_no_answer_uses_is_found(used: int) -> None:
    text = f"You answer.\n\n{FACTS}\n\n## Rules\nBe brief.\n"
    traces = [
        make_trace(
            at,
            [make_call()],
            final="Ask Person3 in Town3." if at < used else "It depends.",
            messages=[{"role": "system", "content": text}],
            prompts={"p": "v"},
        )
        for at in range(800)
    ]
    detection = review(traces, prompts={"p": text}, window=MONTH)
    if used:
        assert "unused_context" not in names(detection)
        return
    finding = find_one(detection, "unused_context")
    assert finding.key == "Company"
    assert finding.prompt_text == "You answer.\n\n## Rules\nBe brief.\n"


def test_rules_are_not_called_unused_context() -> None:
    text = "## Rules\n" + "\n".join(f"- Be brief, be kind, be quick, rule {at}" for at in range(40))
    traces = [
        make_trace(at, [make_call()], messages=[{"role": "system", "content": text}])
        for at in range(800)
    ]
    assert names(review(traces, prompts={"p": text}, window=MONTH)) == set()


def test_repeats_are_found_whatever_their_spaces_and_only_once() -> None:
    again = BLOCK.replace(": keep", ":  keep")
    text = f"{BLOCK}\n\nmiddle\n{again}\nend\n{BLOCK}"
    blocks = find_repeats(text, 50)
    assert len(blocks) == 2
    assert remove_blocks(text, blocks) == f"{BLOCK}\n\nmiddle\n\nend\n"
    assert find_repeats("---\n" * 500, 50) == []
    assert find_repeats("", 50) == []


def test_sentences_of_one_long_line_are_compared() -> None:
    part = " ".join(f"Sentence {at} says what to do in that case." for at in range(12))
    (block,) = find_repeats(f"{part} Now something else. {part}", 50)
    assert block.tokens > 100


def test_sections_cover_the_whole_text() -> None:
    text = "intro\n# A\none\n## B\ntwo\n<context>\nthree\n"
    blocks = find_sections(text)
    assert "".join(text[b.start : b.end] for b in blocks) == text
    assert [b.title for b in blocks] == ["", "A", "B", "context"]


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
