"""All detectors together: planted faults are found, a healthy month stays silent."""

from datetime import date

from prompt_lab.production.detect import detect
from prompt_lab.production.simulate import HEALTHY, PLANTED, AgentFaults, simulate_month
from prompt_lab.production.simulated_prompts import ASKS_FIRST, PROMPT_ID, STYLE_GUIDE
from prompt_lab.reviews import Finding, Goal, ItemType
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
