"""The limit on false findings, in simulated months without faults; and that faults are found."""

from collections.abc import Sequence
from datetime import date

import pytest

from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.production.detect import run_detectors
from prompt_lab.production.simulate import (
    HEALTHY,
    PLANTED,
    PROMPT_ID,
    SimulatedDay,
    simulate_month,
)
from prompt_lab.reviews import Finding, Goal
from prompt_lab.traces import Window

FIRST = date(2026, 2, 1)
LEVEL = 0.05
PLANTED_IDENTITIES = {
    "tool_failures:write_article",
    "unused_tools:generate_image",
    "slow_models:writer-large-2",
    f"repeated_blocks:{PROMPT_ID}",
}
CONSEQUENCES = {"repeated_requests:users", "thumbs_down:feedback"}
"""What the worse version of the prompt leads to: no faults of their own, and no false findings."""


def review_days(
    days: Sequence[SimulatedDay], first: int, last: int, *, history: int
) -> list[Finding]:
    """The findings of days `first` to `last` (from 0, both included)."""
    read = days[max(0, first - history) : last + 1]
    return run_detectors(
        [trace for day in read for trace in day.traces],
        [one for day in read for one in day.feedback],
        days[last].prompts,
        window=Window(days[first].start, days[last].end),
        level=LEVEL,
    ).findings


def review_daily(seed: int, *, sessions: int, reviews: Sequence[int]) -> list[Finding]:
    """All findings of a healthy month: of a review of the month, and of reviews of some days."""
    days = list(simulate_month(FIRST, seed=seed, faults=HEALTHY, sessions=sessions))
    found = review_days(days, 0, 29, history=0)
    for at in reviews:
        found += review_days(days, at, at, history=5)
    return found


def count_months(seeds: Sequence[int], *, sessions: int, reviews: Sequence[int]) -> tuple[int, int]:
    """Months with any accuracy or capability finding, and months with a cost finding."""
    goals = [
        {one.goal for one in review_daily(seed, sessions=sessions, reviews=reviews)}
        for seed in seeds
    ]
    return sum(bool(seen - {Goal.COST}) for seen in goals), sum(Goal.COST in seen for seen in goals)


def test_six_healthy_months_show_nothing() -> None:
    assert count_months(range(6), sessions=6, reviews=(11, 12, 29)) == (0, 0)


@pytest.mark.slow
@pytest.mark.long
def test_at_most_five_per_cent_of_200_healthy_months_show_a_finding() -> None:
    shown, costs = count_months(range(1000, 1200), sessions=15, reviews=range(30))
    print(f"{shown} of 200 months, 95 % {clopper_pearson(shown, 200, 0.95)}; cost: {costs}")
    assert shown <= LEVEL * 200
    assert costs <= LEVEL * 200


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_every_planted_fault_is_found_within_three_days_and_nothing_false(seed: int) -> None:
    days = list(simulate_month(FIRST, seed=seed, faults=PLANTED, days=33))
    found = [one for at in (30, 31, 32) for one in review_days(days, at, at, history=30)]
    seen = {one.identity for one in found if one.detector != "version_change"}
    assert seen >= PLANTED_IDENTITIES
    assert seen - PLANTED_IDENTITIES <= CONSEQUENCES
    assert [one for one in found if one.detector == "version_change"]
