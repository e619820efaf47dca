"""All detectors together: planted faults are found, a healthy month stays silent."""

from datetime import date

from prompt_lab.production.detect import Detection, detect, run_detectors
from prompt_lab.production.memory import recall
from prompt_lab.production.simulate import (
    HEALTHY,
    PLANTED,
    AgentFaults,
    SimulatedDay,
    simulate_day,
    simulate_month,
)
from prompt_lab.production.simulated_prompts import ASKS_FIRST, PROMPT_ID, STYLE_GUIDE
from prompt_lab.reviews import Finding, Goal, Item, ItemType, ReviewSession
from prompt_lab.traces import Trace, Window

FIRST = date(2026, 2, 1)


def review_month(faults: AgentFaults, seed: int, *, last_day: bool = False) -> list[Finding]:
    days = list(simulate_month(FIRST, seed=seed, faults=faults, sessions=25))
    traces = [trace for day in days for trace in day.traces]
    feedback = [one for day in days for one in day.feedback]
    earlier = {t: p for day in days for t, p in _versions(day.traces[0], day.prompts).items()}
    start = days[-1].start if last_day else days[0].start
    window = Window(start, days[-1].end)
    return detect(traces, feedback, days[-1].prompts, window=window, earlier_prompts=earlier)


def _versions(trace: Trace, prompts: dict[str, str]) -> dict[str, str]:
    return {trace.payload.prompts[name]: text for name, text in prompts.items()}


def test_every_planted_fault_is_found_on_one_day() -> None:
    found = review_month(PLANTED, seed=1, last_day=True)
    by_identity = {finding.identity: finding for finding in found}
    assert by_identity["tool_failures:write_article"].type is ItemType.CODE_CHANGE
    assert by_identity["unused_tools:generate_image"].goal is Goal.CAPABILITIES
    assert by_identity["slow_models:writer-large-2"].type is ItemType.CONFIG_CHANGE
    worse = [one for one in found if one.detector == "version_change"]
    assert [one.goal for one in worse] == [Goal.ACCURACY]
    assert worse[0].type is ItemType.PROMPT_CHANGE
    assert ASKS_FIRST in worse[0].prompt_text
    block = by_identity[f"repeated_blocks:{PROMPT_ID}"]
    assert block.type is ItemType.PROMPT_CHANGE
    assert block.prompt_text.count(STYLE_GUIDE.splitlines()[3]) == 1
    assert {one.detector for one in found} <= {
        "tool_failures",
        "unused_tools",
        "slow_models",
        "version_change",
        "repeated_blocks",
        "repeated_requests",  # what the worse prompt version leads to
        "thumbs_down",
    }


def test_a_day_after_a_healthy_month_shows_nothing() -> None:
    assert review_month(HEALTHY, seed=1, last_day=True) == []


def test_the_next_day_shows_only_what_is_new_and_what_became_of_the_tool() -> None:
    days = list(simulate_month(FIRST, seed=1, faults=PLANTED, sessions=25, days=14))
    days.append(
        simulate_day(
            date(2026, 2, 15),
            seed=1,
            prompts=days[-1].prompts,
            faults=PLANTED._replace(unretried_tool=False),
            sessions=25,
        )
    )
    reviews = [_review_day(days, at) for at in (13, 14)]
    items = tuple(
        Item(id=number, **finding.model_dump())
        for number, finding in enumerate(reviews[0].findings, start=1)
    )
    session = ReviewSession(
        id="s1", created_at=days[13].end, window_hours=24, trace_count=60, items=items
    )
    found = recall(reviews[1].findings, reviews[1].measured, [session], now=days[14].end)
    shown = {finding.identity for finding in found.findings}
    assert shown <= {"unused_tools:generate_image", "thumbs_down:feedback"}
    assert {one.finding.identity for one in found.hidden} >= {
        f"repeated_blocks:{PROMPT_ID}",
        "slow_models:writer-large-2",
    }
    [line] = [one for one in found.follow_ups if one.identity == "tool_failures:write_article"]
    assert line.before > line.after
    assert line.text.startswith(f"write_article failures: {line.before} -> {line.after} (of ")


def _review_day(days: list[SimulatedDay], last: int) -> Detection:
    window = Window(days[last].start, days[last].end)
    traces = [trace for day in days[: last + 1] for trace in day.traces]
    return run_detectors(
        traces, [f for d in days for f in d.feedback], days[last].prompts, window=window
    )
