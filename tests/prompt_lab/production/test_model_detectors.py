"""Detectors that compare prompt versions, and models."""

import numpy as np
import pytest

from prompt_lab.production.detector import (
    agent_calls,
)
from prompt_lab.reviews import Goal, ItemType
from prompt_lab.traces import Feedback, Trace, Window
from tests.prompt_lab.production.made_traces import (
    WINDOW,
    fill,
    find_one,
    make_call,
    make_trace,
    names,
    review,
)


def test_a_worse_version_names_the_earlier_one_and_its_text() -> None:
    old = fill(200, day="2026-02-20", prompts={"p": "aaaabbbb"}, cost=0.04)
    new = fill(60, prompts={"p": "bbbb"}, cost=0.04)
    down = [
        Feedback(trace_id=one.trace_id, thumb="down", created_at=one.created_at)
        for one in (*old[:4], *new[:20])
    ]
    earlier = {"aaaabbbb": "old text"}
    detection = review([*old, *new], down, {"p": "new text"}, earlier=earlier)
    finding = find_one(detection, "version_change")
    assert finding.title == (
        "p got worse with version bbbb: thumbs down in 33 % of sessions, 2.0 % before"
    )
    assert (finding.type, finding.prompt_text) == (ItemType.PROMPT_CHANGE, "old text")
    full = review(
        [*old, *new], down, {"p": "new text"}, earlier={"aaaabbbb" + "0" * 56: "old text"}
    )
    assert find_one(full, "version_change").prompt_text == "old text"
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


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_numbers_that_are_none_do_not_spoil_the_others(number: float) -> None:
    rng = np.random.default_rng(5)
    traces = []
    for at in range(200):
        slow = at % 2 == 0
        latency = 1000 * rng.lognormal(0, 0.2) * (3 if slow else 1)
        call = make_call("slow" if slow else "quick", latency_ms=latency, cost_usd=0.004)
        traces.append(make_trace(2 * at, [call], cost=0.004, prompts={"p": str(at // 100)}))
        bad = make_call("slow", latency_ms=number, cost_usd=number, tokens={"input": -5})
        traces.append(make_trace(2 * at + 1, [bad], cost=number, prompts={"p": str(at // 100)}))
    assert names(review(traces)) == {"slow_models"}
