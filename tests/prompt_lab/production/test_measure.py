"""Before and after by prompt version, against scipy and by simulation; rollback by policy."""

import re
from datetime import date

import numpy as np
import pytest

from prompt_lab.production.history_sections import render_comparison
from prompt_lab.production.measure import (
    MeasurePolicy,
    VersionSessions,
    compare_versions,
    measure_versions,
)
from prompt_lab.production.rates import Moments
from prompt_lab.production.rollback_policy import decide_rollback
from prompt_lab.production.simulate import simulate_day
from prompt_lab.production.simulated_prompts import PROMPT_ID, write_prompt
from prompt_lab.production.version_records import VersionComparison
from prompt_lab.traces import Feedback, ToolResult
from tests.prompt_lab.production.made_traces import make_call, make_trace

AUTOMATIC = MeasurePolicy(rollback="automatic")


def make_sessions(costs: np.ndarray, down: int, messages: np.ndarray) -> VersionSessions:
    totals = VersionSessions()
    totals.sessions, totals.thumbs_down = len(costs), down
    for cost, number in zip(costs.tolist(), messages.tolist(), strict=True):
        totals.cost = totals.cost.add(cost)
        totals.messages = totals.messages.add(number)
    return totals


def simulate_pair(
    rng: np.random.Generator, *, factor: float = 1.0, down: float = 0.05
) -> VersionComparison:
    n = 60
    sides = [
        make_sessions(
            rng.lognormal(-3, 0.5, n) * times, int(rng.binomial(n, share)), rng.geometric(0.6, n)
        )
        for times, share in ((1.0, 0.05), (factor, down))
    ]
    found = compare_versions("p", {"old": sides[0], "new": sides[1]})
    assert found is not None
    return found


def test_two_equal_versions_are_seldom_called_worse() -> None:
    rng = np.random.default_rng(18)
    worlds = 1000
    flagged = sum(bool(simulate_pair(rng).worse) for _ in range(worlds))
    assert flagged / worlds <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / worlds)


def test_the_interval_of_the_cost_covers_the_true_change() -> None:
    rng = np.random.default_rng(18)
    covered = 0
    for _ in range(1000):
        cost = simulate_pair(rng, factor=0.7).metrics[0]
        assert cost.name == "cost"
        assert cost.interval is not None
        covered += cost.interval[0] <= -0.3 <= cost.interval[1]
    assert 0.93 <= covered / 1000 <= 0.97


def test_a_worse_version_is_flagged_for_what_is_worse() -> None:
    rng = np.random.default_rng(1)
    assert simulate_pair(rng, factor=2.0).worse == ("cost",)
    assert simulate_pair(rng, down=0.4).worse == ("thumbs down",)


def test_few_sessions_flag_nothing() -> None:
    old = make_sessions(np.full(10, 0.01) + np.arange(10) / 1e4, 0, np.ones(10))
    new = make_sessions(np.full(10, 0.09) + np.arange(10) / 1e4, 10, np.ones(10))
    found = compare_versions("p", {"old": old, "new": new})
    assert found is not None
    assert found.worse == ()


def test_sessions_of_traces_are_counted_by_the_version_that_they_began_under() -> None:
    traces = [
        make_trace(1, [make_call()], session="a", text="hello", cost=0.01, prompts={"p": "v1"}),
        make_trace(2, [make_call(error="503")], session="b", cost=0.02, prompts={"p": "v1"}),
        make_trace(
            3,
            [make_call(), ToolResult(tool_name="t", success=False)],
            session="a",
            text="again",
            cost=0.03,
            prompts={"p": "v2"},
        ),
        make_trace(4, [make_call()], session="c", cost=None, prompts={"p": "v2"}, outcome=0.0),
    ]
    down = Feedback(trace_id=traces[2].trace_id, thumb="down", created_at=traces[2].created_at)
    versions = measure_versions(traces, [down])["p"]
    assert list(versions) == ["v1", "v2"]
    first, second = versions.values()
    assert (first.sessions, first.failures, first.thumbs_down) == (2, 2, 1)
    assert first.cost.mean == pytest.approx(0.03)
    assert first.messages == Moments().add(2).add(0)
    assert (second.sessions, second.failures) == (1, 1)
    assert second.cost.size == 0


def test_a_prompt_without_the_repeated_block_costs_less_with_an_interval() -> None:
    days = [
        simulate_day(date(2026, 2, at), seed=at, prompts={PROMPT_ID: text}, sessions=40)
        for at, text in ((1, write_prompt(repeats_block=True)), (2, write_prompt()))
    ]
    traces = [trace for day in days for trace in day.traces]
    versions = measure_versions(traces, [one for day in days for one in day.feedback])[PROMPT_ID]
    found = compare_versions(PROMPT_ID, versions)
    assert found is not None
    first, second, *_, note = render_comparison(found).splitlines()
    assert first.startswith("blog_writer: version ")
    assert re.fullmatch(
        r"cost: \$0\.\d{4} -> \$0\.\d{4} \(-\d+\.\d %, 95 %: -\d+\.\d to [+-]\d+\.\d\)", second
    )
    assert note.startswith("Observational")
    cost = found.metrics[0]
    assert cost.change < 0
    assert cost.interval is not None
    assert cost.interval[0] < cost.change < cost.interval[1]


def test_one_version_has_nothing_to_compare_with() -> None:
    assert compare_versions("p", {}) is None
    assert compare_versions("p", {"only": VersionSessions()}) is None
    assert compare_versions("p", {"a": VersionSessions()}, after="unknown") is None


def test_only_the_policy_rolls_back_and_never_what_a_person_pinned() -> None:
    worse = simulate_pair(np.random.default_rng(1), factor=2.0)
    flagged = decide_rollback(worse)
    assert (flagged.flagged, flagged.roll_back) == (True, False)
    automatic = decide_rollback(worse, policy=AUTOMATIC)
    assert (automatic.roll_back, automatic.to_version) == (True, "old")
    pinned = decide_rollback(worse, policy=AUTOMATIC, pinned=["new"])
    assert (pinned.flagged, pinned.roll_back) == (True, False)
    assert "pinned" in pinned.reason


def test_a_version_that_is_no_worse_stays() -> None:
    same = simulate_pair(np.random.default_rng(2))
    decision = decide_rollback(same, policy=AUTOMATIC)
    assert (decision.flagged, decision.roll_back) == (False, False)
