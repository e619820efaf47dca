"""The sequential test of a canary: what is spent of alpha, alone and after an offline trial."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from prompt_lab.decide.canary import OfflineTrial, check_canary, design_canary, spent_before

ALPHA, PAIRS = 0.07, 2000
TRIAL = OfflineTrial(plans=300, alpha=0.002)


@pytest.mark.parametrize("offline", [OfflineTrial(), TRIAL, OfflineTrial(40, 0.04)])
def test_a_walk_without_drift_crosses_as_often_as_the_spending_leaves(
    offline: OfflineTrial,
) -> None:
    plan = design_canary(PAIRS, 100, ALPHA, offline)
    walks, rng = 20_000, np.random.default_rng(11)
    steps = np.diff([0, *plan.counts])
    walk = (rng.standard_normal((walks, len(steps))) * np.sqrt(steps)).cumsum(axis=1)
    z = walk / np.sqrt(plan.counts)
    crossed = int((z <= -np.asarray(plan.bounds)).any(axis=1).sum())
    left = ALPHA - spent_before(PAIRS, ALPHA, offline)
    assert binomtest(crossed, walks, left).pvalue > 1e-4


@settings(max_examples=60, deadline=None)
@given(
    plans=st.integers(0, 3000),
    granted=st.floats(0, 0.5),
    pairs=st.integers(2, 4000),
    alpha=st.floats(0.001, 0.4),
)
def test_what_was_spent_before_and_what_is_left_is_alpha(
    plans: int, granted: float, pairs: int, alpha: float
) -> None:
    offline = OfflineTrial(plans, granted)
    spent = spent_before(pairs, alpha, offline)
    assert min(granted, alpha / 2) <= spent <= alpha / 2
    levels = design_canary(pairs, 1, alpha, offline).levels
    assert list(levels) == sorted(levels)
    assert levels[-1] == pytest.approx(alpha - spent)


def test_the_first_looks_after_a_trial_are_taken_more_easily_and_the_last_one_less() -> None:
    alone, after = design_canary(PAIRS, 100, ALPHA), design_canary(PAIRS, 100, ALPHA, TRIAL)
    assert after.bounds[0] < alone.bounds[0]
    assert after.bounds[-1] > alone.bounds[-1]


def test_after_a_trial_with_much_alpha_a_candidate_that_fails_is_still_aborted() -> None:
    check = check_canary(
        [1.0] * 60,
        [0.0, 1.0] * 30,
        alpha=0.05,
        most_pairs=60,
        least_pairs=20,
        offline=OfflineTrial(plans=100, alpha=0.2),
    )
    assert check.state == "abort"
