"""What few plans can show, against trials that are simulated and judged by scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nct, permutation_test, t, ttest_1samp

from prompt_lab.decide.limits import drift_shown, fewest_plans, plans_needed
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.power import power_of_look
from prompt_lab.decide.price import forecast

TRIALS = 400
APART = 4 * np.sqrt(0.25 / TRIALS + 0.25 / 400)
"""Four standard errors of the difference of two simulated shares."""


@pytest.mark.parametrize(
    ("plans", "drift", "level"), [(6, 1.5, 0.05), (8, 1.2, 0.005), (9, 1, 0.05)]
)
def test_few_plans_show_what_simulated_ones_do(plans: int, drift: float, level: float) -> None:
    rng = np.random.default_rng(7)
    shown = sum(
        permutation_test(
            (rng.normal(drift, 1, plans),), np.mean, permutation_type="samples",
            alternative="greater", n_resamples=np.inf,
        ).pvalue <= level + 1e-12
        for _ in range(TRIALS)
    )  # fmt: skip
    assert abs(shown / TRIALS - power_of_look(plans, drift, level)) < APART


@pytest.mark.parametrize(("plans", "drift"), [(14, 0.9), (40, 0.4)])
def test_more_plans_show_what_a_t_test_does(plans: int, drift: float) -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(drift, 1, (4000, plans))
    shown = (ttest_1samp(values, 0, axis=1, alternative="greater").pvalue <= 0.01).mean()
    assert abs(shown - power_of_look(plans, drift, 0.01)) < 0.032


def test_eight_plans_are_not_promised_what_they_cannot_show() -> None:
    """Half a point of spread at alpha 0.005: all eight have to gain."""
    found = forecast(8, 0.5, Policy(alpha=0.005))
    assert found.visible > 0.9
    assert found.power == pytest.approx(power_of_look(8, Policy().smallest_effect / 0.5, 0.005))
    assert plans_needed(0.46, 0.75, 0.005, 0.8) > 8


@given(st.floats(0.05, 1), st.floats(0.02, 1), st.sampled_from([0.05, 0.005]))
def test_as_many_plans_as_are_needed_show_it(spread: float, gain: float, level: float) -> None:
    plans = plans_needed(spread, gain, level, 0.8)
    assert plans >= fewest_plans(level)
    if plans <= 60:
        assert drift_shown(plans, level, 0.8) * spread <= gain * 1.01


@pytest.mark.parametrize("plans", [13, 60, 400])
@pytest.mark.parametrize("drift", [-0.3, 0.0, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("level", [0.05, 0.005, 0.00005])
def test_the_power_of_a_t_test_is_scipys(plans: int, drift: float, level: float) -> None:
    """At 400 plans and a drift of 2 the noncentral t itself is beyond scipy.special's range."""
    shift = drift * plans**0.5
    assert power_of_look(plans, drift, level) == pytest.approx(
        nct.sf(t.isf(level, plans - 1), plans - 1, shift), abs=1e-12
    )
