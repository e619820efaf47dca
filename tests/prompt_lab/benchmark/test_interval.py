"""The clustered interval against statsmodels, and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from prompt_lab.benchmark.interval import clustered_interval


@pytest.mark.parametrize(("passed", "total"), [(0, 7), (3, 7), (7, 7), (12, 40)])
def test_plans_asked_once_give_clopper_and_pearsons_interval(passed: int, total: int) -> None:
    found = clustered_interval([[n < passed] for n in range(total)])
    assert found is not None
    low, high = proportion_confint(passed, total, 0.05, method="beta")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_equal_repeats_add_nothing() -> None:
    once = clustered_interval([[True], [False], [True]])
    often = clustered_interval([[True] * 7, [False] * 7, [True] * 7])
    assert once is not None
    assert often is not None
    assert often.effective == pytest.approx(3)
    assert often[:3] == pytest.approx(once[:3])


@given(st.lists(st.lists(st.booleans(), max_size=5), max_size=8))
def test_the_interval_holds_its_point(plans: list[list[bool]]) -> None:
    found = clustered_interval(plans)
    if not any(plans):
        assert found is None
        return
    assert found is not None
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    answered = [one for one in plans if one]
    assert 1 <= found.effective <= sum(map(len, answered)) + 1e-9


def test_the_interval_covers_the_truth_of_clustered_answers() -> None:
    rng, covered, worlds = np.random.default_rng(5), 0, 400
    for _ in range(worlds):
        plans = rng.beta(1.2, 1.8, 20)  # plans differ: mean 0.4
        found = clustered_interval([(rng.random(5) < p).tolist() for p in plans])
        assert found is not None
        covered += found.low <= 0.4 <= found.high
    assert covered / worlds >= 0.93
