import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_lab.decide.verdict import (
    Amounts,
    Code,
    Evidence,
    Lengths,
    Pair,
    Policy,
    Reason,
    Validity,
    Verdict,
    decide,
)
from prompt_lab.errors import LabError
from tests.prompt_lab.decide.making import coin_pairs, pairs_of

SCORES = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
WORLDS = st.lists(
    st.builds(
        Pair,
        st.sampled_from(["a", "b"]),
        st.sampled_from("pqrstuvw"),
        st.integers(0, 1),
        SCORES,
        SCORES,
    ),
    max_size=30,
    unique_by=lambda pair: pair.cell,
)
POLICIES = st.sampled_from([Policy(), Policy(mode="fixed", alpha=0.2), Policy(mode="anytime")])
QUICK = settings(max_examples=40, deadline=None)


def codes(verdict: Verdict) -> list[Code]:
    return [reason.code for reason in verdict.reasons]


@QUICK
@given(WORLDS, POLICIES, st.randoms())
def test_the_order_of_the_pairs_is_no_matter(
    pairs: list[Pair], policy: Policy, random: Random
) -> None:
    shuffled = random.sample(pairs, len(pairs))
    assert decide(pairs, policy) == decide(shuffled, policy)


@QUICK
@given(WORLDS, POLICIES, st.sampled_from(["a", "b", "c"]), st.sampled_from("pqzy"))
def test_a_pair_of_zeros_never_turns_no_into_yes(
    pairs: list[Pair], policy: Policy, model: str, plan: str
) -> None:
    before = decide(pairs, policy)
    after = decide([*pairs, Pair(model, plan, 2, 0.0, 0.0)], policy)
    assert not (before.outcome == "NO" and after.outcome == "YES")


@QUICK
@given(WORLDS, POLICIES)
def test_swapping_the_sides_flips_the_effect(pairs: list[Pair], policy: Policy) -> None:
    there = decide(pairs, policy)
    back = decide([Pair(*p.cell, p.candidate, p.baseline) for p in pairs], policy)
    if there.effect is None or back.effect is None:
        assert there.outcome == back.outcome == "INVALID"
        return
    assert there.effect == pytest.approx(-back.effect, abs=1e-12)
    assert there.p_value == pytest.approx(back.p_worse, abs=1e-12)
    assert not there.outcome == back.outcome == "YES"


@QUICK
@given(WORLDS, POLICIES)
def test_a_verdict_survives_its_json(pairs: list[Pair], policy: Policy) -> None:
    verdict = decide(pairs, policy)
    text = verdict.model_dump_json()
    assert Verdict.model_validate_json(text) == verdict
    assert "NaN" not in text
    assert json.loads(text)["version"] == 1


def test_a_clear_gain_is_a_yes_and_its_mirror_a_no() -> None:
    assert decide(pairs_of([0.2, 0.1, 0.3, 0.2, 0.15, 0.1]), Policy()).outcome == "YES"
    worse = decide(pairs_of([-0.2, -0.1, -0.3, -0.2, -0.15, -0.1]), Policy())
    assert (worse.outcome, codes(worse)[0]) == ("NO", Code.WORSE)


def test_too_few_plans_name_the_number_that_would_do() -> None:
    verdict = decide(pairs_of([0.5] * 4), Policy())
    assert (verdict.outcome, codes(verdict)[0]) == ("CONDITIONAL", Code.TOO_FEW_PLANS)
    assert "at least 5" in verdict.reasons[0].text
    assert decide(pairs_of([0.5] * 5), Policy()).outcome == "YES"
    strict = decide(pairs_of([0.5] * 5), Policy(alpha=0.0005))
    assert strict.reasons[0].facts["needed"] == "11"


def test_one_plan_is_told_as_one() -> None:
    text = decide(pairs_of([0.5]), Policy()).reasons[0].text
    assert text.startswith("1 plan cannot show anything")


def test_seven_models_on_one_plan_are_one_opinion() -> None:
    pairs = [Pair(f"m{k}", "only", r, 0.2, 0.8) for k in range(7) for r in range(3)]
    assert codes(decide(pairs, Policy()))[0] == Code.TOO_FEW_PLANS


def test_a_trend_that_more_plans_would_show_is_conditional_and_no_trend_is_no() -> None:
    promising = decide(pairs_of([0.3, 0.2, 0.25, 0.1, -0.2, 0.1, -0.05]), Policy())
    assert (promising.outcome, codes(promising)[0]) == ("CONDITIONAL", Code.RAN_OUT)
    flat = decide(pairs_of([0.3, -0.3, 0.2, -0.2, 0.1, -0.1]), Policy())
    assert (flat.outcome, codes(flat)[0]) == ("NO", Code.FUTILE)
    assert "would have been seen" in flat.reasons[1].text


def test_provenance_findings_void_the_comparison() -> None:
    finding = Reason(code=Code.NOT_EXERCISED, text="The changed prompt was never sent.")
    verdict = decide(pairs_of([0.3] * 9), Policy(), Evidence(provenance=(finding,)))
    assert (verdict.outcome, verdict.reasons) == ("INVALID", (finding,))


def test_nothing_to_compare_is_invalid() -> None:
    assert codes(decide([], Policy())) == [Code.NO_PAIRS]
    assert codes(decide([Pair("m", "p", 0, 0.3, None)], Policy())) == [Code.NO_PAIRS]


GOOD = pairs_of([0.3] * 12)
SLOW = Amounts(baseline=(1.0, 2.0, 3.0), candidate=(3.0, 4.0, 5.0))
LOWERED = [
    (Code.VALIDITY_LOWER, Policy(), Evidence(validity=Validity(
        baseline_valid=40, baseline_total=40, candidate_valid=28, candidate_total=40))),
    (Code.VIOLATION, Policy(), Evidence(violations=("The prompt names a gold answer.",))),
    (Code.LATENCY, Policy(latency_ratio=1.2), Evidence(latency=SLOW)),
    (Code.LATENCY, Policy(latency_p90_ratio=1.2), Evidence(latency=SLOW)),
    (Code.COST, Policy(cost_ratio=1.2), Evidence(cost=SLOW)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "policy", "evidence"), LOWERED)
def test_a_failed_guard_lowers_a_yes(code: Code, policy: Policy, evidence: Evidence) -> None:
    assert decide(GOOD, policy).outcome == "YES"
    verdict = decide(GOOD, policy, evidence)
    assert (verdict.outcome, codes(verdict)) == ("CONDITIONAL", [code, Code.BETTER])


@pytest.mark.parametrize(("code", "policy", "evidence"), LOWERED)
def test_no_guard_lifts_a_no(code: Code, policy: Policy, evidence: Evidence) -> None:
    worse = pairs_of([-0.3] * 12)
    assert decide(worse, policy, evidence).outcome == "NO"


def test_guards_without_data_are_off_and_say_so() -> None:
    states = {g.name: g for g in decide(GOOD, Policy(latency_ratio=1.5)).guards}
    assert states["latency"].state == "off"
    assert "no measurements" in states["latency"].text
    assert states["verify"].state == "off"
    assert states["validity"].state == "off"


def test_a_model_shown_to_lose_lowers_the_verdict_and_a_doubtful_one_does_not() -> None:
    good = pairs_of([0.4] * 30, "good")
    bad = decide([*good, *pairs_of([-0.15, -0.2, -0.1] * 10, "bad")], Policy())
    assert codes(bad) == [Code.MODEL_WORSE, Code.BETTER]
    doubtful = decide([*good, *pairs_of([-0.3, 0.25, 0.0] * 10, "wavers")], Policy())
    assert doubtful.outcome == "YES"
    assert {g.name: g.state for g in doubtful.guards}["model wavers"] == "not shown"


def test_too_many_missing_pairs_never_pass() -> None:
    missing = [Pair("m", f"gone {i}", 0, 0.5, None) for i in range(6)]
    assert codes(decide([*GOOD, *missing], Policy())) == [Code.MISSING, Code.BETTER]


def test_a_shorter_prompt_wins_at_equal_scores_given_the_plans_its_margin_needs() -> None:
    evidence = Evidence(lengths=Lengths(baseline=1000, candidate=700))
    equal = pairs_of([0.02, -0.02] * 60)
    verdict = decide(equal, Policy(), evidence)
    assert (verdict.outcome, codes(verdict)) == ("YES", [Code.SIMPLER])
    assert decide(equal, Policy()).outcome == "NO"
    few = decide(coin_pairs(200, 0.0), Policy(), evidence)
    assert few.outcome != "YES"
    note = few.reasons[-1]
    assert note.code == Code.NEEDS_PAIRS
    assert int(note.facts["needed"]) > 1500


def test_plans_that_never_differ_need_enough_of_them_to_show_nothing_is_lost() -> None:
    evidence = Evidence(lengths=Lengths(baseline=1000, candidate=700))
    assert decide(pairs_of([0.0] * 5), Policy(), evidence).outcome == "NO"
    assert decide(pairs_of([0.0] * 120), Policy(), evidence).outcome == "YES"


def test_a_score_out_of_range_and_two_pairs_of_one_cell_are_refused() -> None:
    with pytest.raises(LabError, match=r"'m'.*outside"):
        decide([Pair("m", "p", 0, 0.5, 1.5)], Policy())
    with pytest.raises(LabError, match="two different pairs"):
        decide([Pair("m", "p", 0, 0.5, 0.5), Pair("m", "p", 0, 0.5, 0.6)], Policy())
    with pytest.raises(LabError, match="outside"):
        decide([Pair("m", "p", 0, 0.5, float("nan"))], Policy())


def test_ten_thousand_pairs_are_decided() -> None:
    assert decide(coin_pairs(1000, 0.02, models=5, replicates=2), Policy()).n_pairs == 10_000
