"""docs/findings.md lists every detector, with the limits that the policy has."""

import re

from prompt_lab.names import count
from prompt_lab.production.detect import DETECTORS, HISTORY_DAYS, MOST_HISTORY
from prompt_lab.production.detector import DetectionPolicy, percent
from prompt_lab.production.measure import MeasurePolicy
from tests.pipeline.world import REPOSITORY

PAGE = (REPOSITORY / "docs/findings.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE))


def short(share: float) -> str:
    return percent(share).replace(".0 ", " ")


def test_every_detector_is_in_the_table() -> None:
    assert set(ROWS) == set(DETECTORS)


def test_the_limits_are_those_of_the_policy() -> None:
    policy = DetectionPolicy()
    expected = {
        "tool_failures": (short(policy.failed_calls), f"{policy.unretried_calls:.2%}"[:-1]),
        "error_answers": (short(policy.error_answers),),
        "repeated_requests": (short(policy.repeated_requests),),
        "long_sessions": (short(policy.long_sessions), str(policy.long_session_messages)),
        "thumbs_down": (short(policy.thumbs_down),),
        "version_change": (short(policy.cost_increase),),
        "unused_tools": (short(policy.least_tool_use),),
        "mostly_failing_tools": (short(policy.mostly_failed_calls),),
        "slow_models": (f"{policy.slower_model:g} times",),
        "dear_models": (f"{policy.quality_margin * 100:g} points",),
        "unused_context": (short(policy.context_use),),
        "large_sections": (f"{policy.section_tokens:,}", short(policy.section_share)),
        "repeated_blocks": (f"{policy.least_block_tokens:,} tokens",),
    }
    for name, numbers in expected.items():
        for number in numbers:
            assert number in ROWS[name], f"{name}: {number}"
    assert f"{HISTORY_DAYS} days" in PAGE
    assert count(MOST_HISTORY, "trace") in PAGE
    measure = MeasurePolicy()
    assert f"at {measure.level * 100:g} %" in PAGE
    assert f"at least {measure.least_sessions} sessions" in PAGE
