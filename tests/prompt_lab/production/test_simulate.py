"""The simulated agent: equal arguments give equal days, and the prompt's text decides."""

from datetime import date

from prompt_lab.analyze.words import estimated_tokens
from prompt_lab.production.simulate import (
    FAILING_TOOL,
    HEALTHY,
    PLANTED,
    UNUSED_TOOL,
    SimulatedDay,
    prompt_of_day,
    simulate_day,
    simulate_month,
)
from prompt_lab.production.simulated_prompts import PROMPT_ID, STYLE_GUIDE, write_prompt
from prompt_lab.traces import AgentCall, ToolResult

FIRST = date(2026, 2, 1)


def cost_of_session(day: SimulatedDay) -> float:
    sessions = {trace.session for trace in day.traces}
    return sum(t.payload.summary.total_cost_usd or 0.0 for t in day.traces) / len(sessions)


def test_equal_arguments_give_an_equal_month() -> None:
    assert list(simulate_month(FIRST, seed=3, days=2)) == list(
        simulate_month(FIRST, seed=3, days=2)
    )
    assert list(simulate_month(FIRST, seed=3, days=1)) != list(
        simulate_month(FIRST, seed=4, days=1)
    )


def test_the_block_that_appears_twice_has_about_650_tokens() -> None:
    assert 600 < estimated_tokens(STYLE_GUIDE) < 700
    assert prompt_of_day(1, PLANTED)[PROMPT_ID].count(STYLE_GUIDE) == 2
    assert prompt_of_day(1, HEALTHY)[PROMPT_ID].count(STYLE_GUIDE) == 1


def test_a_shorter_prompt_makes_the_next_day_cheaper() -> None:
    long, short = write_prompt(repeats_block=True), write_prompt()
    before = simulate_day(FIRST, seed=1, prompts={PROMPT_ID: long})
    after = simulate_day(FIRST, seed=1, prompts={PROMPT_ID: short})
    assert cost_of_session(after) < 0.95 * cost_of_session(before)
    assert {trace.payload.prompt_version for trace in after.traces}.isdisjoint(
        trace.payload.prompt_version for trace in before.traces
    )


def test_days_lie_within_their_bounds_in_order_of_time() -> None:
    for day in simulate_month(FIRST, seed=5, days=3):
        times = [trace.created_at for trace in day.traces]
        assert times == sorted(times)
        assert day.start <= times[0]
        assert all(trace.created_at < day.end for trace in day.traces)


def test_a_healthy_agent_calls_a_failed_tool_again_and_calls_every_tool() -> None:
    day = simulate_day(FIRST, seed=2, prompts=prompt_of_day(1, HEALTHY), sessions=400)
    events = [e for t in day.traces for e in t.payload.events if isinstance(e, ToolResult)]
    assert set(day.traces[0].payload.tools_offered) == {e.tool_name for e in events}
    failures = [e for e in events if not e.success]
    assert 0.003 < len(failures) / len(events) < 0.02
    for trace in day.traces:
        tools = [e for e in trace.payload.events if isinstance(e, ToolResult)]
        last = {e.tool_name: e.success for e in tools}
        assert all(last.values()), trace.trace_id


def test_planted_faults_are_in_the_events() -> None:
    day = simulate_day(
        FIRST, seed=2, prompts=prompt_of_day(12, PLANTED), faults=PLANTED, sessions=200
    )
    events = [e for t in day.traces for e in t.payload.events]
    uses = [e for e in events if isinstance(e, ToolResult)]
    assert UNUSED_TOOL in day.traces[0].payload.tools_offered
    assert UNUSED_TOOL not in {e.tool_name for e in uses}
    written = [e.success for e in uses if e.tool_name == FAILING_TOOL]
    assert 0.06 < written.count(False) / len(written) < 0.2
    calls = [e for e in events if isinstance(e, AgentCall)]
    means = {
        model: sum(e.latency_ms or 0.0 for e in calls if e.model == model)
        / sum(e.model == model for e in calls)
        for model in {e.model for e in calls}
    }
    assert max(means.values()) > 2.5 * min(means.values())
    downs = sum(one.thumb == "down" for one in day.feedback)
    assert downs / len(day.traces) > 0.08
