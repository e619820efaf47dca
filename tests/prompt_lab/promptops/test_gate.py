"""The gate before a canary: each reason by its code, alone."""

from typing import Any

import pytest

from prompt_lab.names import Outcome
from prompt_lab.promptops.gate import GateCode, GateLimits, GateMaterial, check_gate
from prompt_lab.prompts.guard import GuardCode, Refusal

GOOD = GateMaterial(
    outcome=Outcome.YES,
    tested="b",
    candidate="b",
    sealed_plans=40,
    score=0.9,
    seconds_before=1.0,
    seconds_after=1.1,
    thumbs=(12, 3),
    leak_share=0.05,
    uses=2,
)
LIMITS = GateLimits(least_plans=10, least_score=0.6)
FAILURES: dict[GateCode, dict[str, Any]] = {
    GateCode.NO_VERDICT: {"outcome": None},
    GateCode.NOT_YES: {"outcome": Outcome.NO},
    GateCode.OTHER_TEXT: {"tested": "a"},
    GateCode.EMPTY_SET: {"sealed_plans": 0},
    GateCode.LOW_SUPPORT: {"sealed_plans": 9},
    GateCode.QUALITY: {"score": 0.59},
    GateCode.POLICY: {"refusals": (Refusal(GuardCode.SCOPE_CHANGE, "another scope"),)},
    GateCode.LATENCY: {"seconds_before": 4.0, "seconds_after": 5.5},
    GateCode.FEEDBACK: {"thumbs": (3, 8)},
    GateCode.LEAK: {"leak_share": 0.4},
    GateCode.WORN: {"uses": 21},
}


def test_a_winner_has_no_reason_against_it() -> None:
    assert check_gate(GOOD, LIMITS) == ()


def test_every_code_has_its_failure() -> None:
    assert set(FAILURES) == set(GateCode)


@pytest.mark.parametrize("code", GateCode)
def test_a_failure_gives_its_code_alone(code: GateCode) -> None:
    found = check_gate(GOOD._replace(**FAILURES[code]), LIMITS)
    assert [reason.code for reason in found] == [code]
    assert found[0].text


def test_an_unsafe_candidate_is_named_by_the_guards_codes() -> None:
    refusals = (
        Refusal(GuardCode.PLACEHOLDER_MISSING, "{{ query }}"),
        Refusal(GuardCode.SECRET, "a key"),
    )
    texts = [reason.text for reason in check_gate(GOOD._replace(refusals=refusals), LIMITS)]
    assert texts == ["placeholder_missing: {{ query }}", "secret: a key"]


def test_slower_within_the_budget_is_no_regression() -> None:
    assert check_gate(GOOD._replace(seconds_before=1.0, seconds_after=4.9), LIMITS) == ()
