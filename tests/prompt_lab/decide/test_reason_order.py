"""Failed guards come before every other reason, in verdicts of now and of before."""

from pathlib import Path

import pytest

from prompt_lab.decide.verdict import (
    Amounts,
    Code,
    Evidence,
    Pair,
    Policy,
    Reason,
    Trial,
    Validity,
    Verdict,
    decide,
    explain,
    reasons_in_order,
)
from tests.prompt_lab.decide.making import losing_pairs, pairs_of

RECORDED = Path(__file__).parent / "recorded/verdict_finding_first.json"
TREND = Policy(alpha=0.03, mode="fixed")
BROKEN_ANSWERS = Evidence(
    validity=Validity(baseline_valid=48, baseline_total=48, candidate_valid=36, candidate_total=48)
)
SLOW = Amounts(baseline=(1.0,), candidate=(9.0,))
SHIFT = [0.0, 0.06, -0.06, 0.03] * 6
"""Differences that show nothing by themselves."""


def codes(verdict: Verdict) -> list[Code]:
    return [reason.code for reason in verdict.reasons]


def test_a_trend_with_a_model_that_loses_promises_nothing() -> None:
    verdict = decide(losing_pairs(), TREND)
    assert (verdict.outcome, codes(verdict)[:2]) == (
        "CONDITIONAL",
        [Code.MODEL_WORSE, Code.RAN_OUT],
    )
    told = explain(verdict).text
    assert told.startswith("Guard 'model weak' failed: 'weak' loses more than 5 points")
    everything = verdict.model_dump_json()
    assert "Promising" not in everything
    assert "settles it" not in everything
    assert "retest_plans" not in everything


@pytest.mark.parametrize(
    ("code", "policy", "evidence"),
    [
        (Code.VALIDITY_LOWER, Policy(), BROKEN_ANSWERS),
        (Code.VIOLATION, Policy(), Evidence(violations=("The prompt names a gold answer.",))),
        (Code.LATENCY, Policy(latency_ratio=1.2), Evidence(latency=SLOW)),
        (Code.COST, Policy(cost_ratio=1.2), Evidence(cost=SLOW)),
    ],
)
@pytest.mark.parametrize(
    ("differences", "outcome"),
    [
        ([0.3] * 12, "CONDITIONAL"),  # better, but for the guard
        ([0.5] * 3, "CONDITIONAL"),  # too few plans
        (SHIFT, "NO"),  # not shown better
        ([0.3, 0.2, 0.25, 0.1, -0.2, 0.1, -0.05], "CONDITIONAL"),  # a trend
    ],
)
def test_a_failed_guard_is_first_whatever_the_pairs_show(
    differences: list[float], outcome: str, code: Code, policy: Policy, evidence: Evidence
) -> None:
    verdict = decide(pairs_of(differences), policy, evidence)
    assert (verdict.outcome, codes(verdict)[0]) == (outcome, code)
    assert verdict.guards[0].state == "failed"
    assert explain(verdict).text.startswith(f"Guard {verdict.guards[0].name!r} failed: ")


def test_missing_runs_come_before_the_gain() -> None:
    gone = [Pair("m", f"gone {i}", 0, 0.5, None) for i in range(6)]
    verdict = decide([*pairs_of([0.3] * 12), *gone], Policy())
    assert codes(verdict) == [Code.MISSING, Code.BETTER]


def test_all_failed_guards_are_named_and_those_that_hold_follow() -> None:
    policy = TREND.model_copy(update={"latency_ratio": 1.2, "cost_ratio": 1.2})
    evidence = BROKEN_ANSWERS.model_copy(update={"latency": SLOW, "cost": SLOW})
    verdict = decide(losing_pairs(), policy, evidence)
    assert codes(verdict)[:5] == [
        Code.MODEL_WORSE, Code.VALIDITY_LOWER, Code.LATENCY, Code.COST, Code.RAN_OUT
    ]  # fmt: skip
    states = [guard.state for guard in verdict.guards]
    assert states[:4] == ["failed"] * 4
    assert "failed" not in states[4:]
    told = explain(verdict)
    assert len(told.failed) == 4
    assert "1 more guard failed. Over all models not shown better" in told.text


def test_what_voids_the_runs_comes_before_guards_that_were_measured_on_them() -> None:
    leak = Reason(code=Code.VERIFY_LEAK, text="The prompt holds text of verify plan 'v1'.")
    evidence = BROKEN_ANSWERS.model_copy(update={"provenance": (leak,)})
    verdict = decide(losing_pairs(), TREND, evidence)
    assert (verdict.outcome, verdict.reasons) == ("INVALID", (leak,))
    told = explain(verdict).text
    assert told.startswith(f"{leak.text} Guard 'model weak' failed: ")
    assert "Guard 'validity' failed" in told


def test_the_guard_of_the_only_model_repeats_a_no_and_does_not_replace_it() -> None:
    verdict = decide(pairs_of([-0.2, -0.1, -0.3, -0.2, -0.15, -0.1]), Policy())
    assert codes(verdict) == [Code.WORSE, Code.MODEL_WORSE, *codes(verdict)[2:]]
    both = [*pairs_of([-0.2, -0.3] * 9, "a"), *pairs_of([-0.1, -0.2] * 9, "b")]
    assert codes(decide(both, Policy()))[:3] == [Code.MODEL_WORSE, Code.MODEL_WORSE, Code.WORSE]


def test_a_yes_is_explained_by_its_gain_alone() -> None:
    told = explain(decide(pairs_of([0.3] * 12), Policy()))
    assert (told.failed, told.text) == ((), told.finding)


def test_a_verdict_of_the_earlier_order_is_computed_again_bit_for_bit() -> None:
    stored = RECORDED.read_text("utf-8")
    old = Verdict.model_validate_json(stored)
    plans = sorted({pair.plan for pair in losing_pairs()})
    trial = Trial(TREND, ["strong", "weak"], plans)
    trial.update(losing_pairs())
    new = trial.conclude_with(BROKEN_ANSWERS, old.reason_order)
    assert new.model_dump_json(indent=2, include=old.model_fields_set) + "\n" == stored
    now = trial.conclude_with(BROKEN_ANSWERS)
    assert (now.outcome, now.effect, now.p_value) == (old.outcome, old.effect, old.p_value)


def test_a_recorded_verdict_of_the_earlier_order_is_explained_by_its_failed_guards() -> None:
    old = Verdict.model_validate_json(RECORDED.read_text("utf-8"))
    assert "Promising" in old.reasons[0].text
    told = explain(old).text
    assert told.startswith("Guard 'model weak' failed: ")
    assert "Promising" not in told
    once = reasons_in_order(old)
    assert [reason.code for reason in once][:3] == [
        Code.MODEL_WORSE, Code.VALIDITY_LOWER, Code.RAN_OUT
    ]  # fmt: skip
    again = old.model_copy(update={"reasons": once, "reason_order": "failed_guards_first"})
    assert reasons_in_order(again) == once
