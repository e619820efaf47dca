import numpy as np
import pytest
from scipy.stats import ttest_1samp
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import confint_proportions_2indep

from prompt_lab.decide.guard_sides import newcombe
from prompt_lab.decide.limits import MOST_PLANS, limits, plans_needed
from prompt_lab.decide.price import forecast
from prompt_lab.decide.signflip import p_values
from prompt_lab.decide.verdict import (
    Amounts,
    Evidence,
    Lengths,
    Outcome,
    Pair,
    Policy,
    Validity,
    decide,
)


def test_few_plans_limits_are_where_the_sign_flip_test_turns() -> None:
    values = np.array([0.3, 0.1, -0.05, 0.2, 0.4, 0.15, 0.02])
    low, high = limits(values, 0.05)
    for edge, side in ((low, 0), (high, 1)):
        step = 1e-3 if side == 0 else -1e-3
        assert p_values(values - edge - step)[side] > 0.05
        assert p_values(values - edge + step)[side] <= 0.05


def test_many_plans_limits_are_students() -> None:
    values = np.random.default_rng(0).normal(0.05, 0.3, size=60)
    reference = ttest_1samp(values, 0).confidence_interval(0.9)
    assert limits(values, 0.05) == pytest.approx((reference.low, reference.high))


def test_plans_that_never_differ_still_leave_doubt() -> None:
    low, high = limits(np.zeros(200), 0.05)
    assert low < 0 < high < 0.02


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_plans_bound_nothing(count: int) -> None:
    assert limits(np.full(count, 0.5), 0.05) == (-1.0, 1.0)


def test_validity_limits_equal_newcombes() -> None:
    seen = Validity(baseline_valid=48, baseline_total=50, candidate_valid=40, candidate_total=52)
    reference = confint_proportions_2indep(40, 52, 48, 50, method="newcomb", alpha=0.1)
    assert newcombe(seen, 0.05) == pytest.approx(reference, abs=1e-6)


def test_plans_needed_equal_the_power_tables() -> None:
    reference = TTestPower().solve_power(0.1 / 0.6, alpha=0.05, power=0.8, alternative="larger")
    assert plans_needed(0.6, 0.1, 0.05, 0.8) == pytest.approx(reference, rel=0.02)


@pytest.mark.parametrize("gain", [1e-160, 1e-300, 5e-324, 0.0])
def test_a_gain_that_no_plans_show_takes_the_most_plans(gain: float) -> None:
    assert plans_needed(0.5, gain, 0.05, 0.8) == MOST_PLANS


@pytest.mark.parametrize("smallest", [1e-160, 5e-324])
def test_the_smallest_effects_and_margins_of_a_policy_end_in_a_verdict(smallest: float) -> None:
    policy = Policy(smallest_effect=smallest, simpler_margin=smallest, mode="fixed")
    pairs = [Pair("m", f"plan_{n}", 0, 0.0, float(n == 3)) for n in range(6)]
    spent = Amounts(baseline=(1.0,), candidate=(1.0,))
    evidence = Evidence(lengths=Lengths(baseline=100, candidate=50), cost=spent, latency=spent)
    verdict = decide(pairs, policy, evidence)
    assert verdict.outcome is not Outcome.YES
    assert forecast(6, 0.5, policy).needed == MOST_PLANS
