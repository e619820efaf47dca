from math import sqrt

import numpy as np
import pytest

from prompt_lab.decide.effect import claimed, kept_mean
from prompt_lab.decide.looks import design
from prompt_lab.decide.policy import Policy

POLICY = Policy(max_plans=200)
PLAN = design(200, POLICY)


def walks(drift: float, count: int = 4000) -> float:
    """Mean estimates of normal walks that end above a boundary, futility left out."""
    rng, found = np.random.default_rng(0), list[float]()
    for row in rng.normal(size=(count, 5)):
        height, before = 0.0, 0.0
        for step, n, bound in zip(row, PLAN.counts, PLAN.bounds, strict=True):
            span = n / 200 - before
            height, before = height + drift * span + step * sqrt(span), n / 200
            if height >= bound * sqrt(before):
                found.append(height / before)
                break
    return float(np.mean(found))


@pytest.mark.parametrize("drift", [1.0, 3.0])
def test_the_kept_mean_equals_simulated_walks(drift: float) -> None:
    policy = Policy(futility=0.0)
    assert kept_mean(PLAN, drift, policy, 0.045) == pytest.approx(walks(drift), rel=0.03)


def test_a_narrow_win_is_corrected_more_than_a_wide_one() -> None:
    narrow, wide = claimed(0.09, 0.6, PLAN, POLICY), claimed(0.30, 0.6, PLAN, POLICY)
    assert 0 <= narrow < 0.06
    assert 0.28 < wide <= 0.30


def test_no_spread_leaves_the_gain_as_it_is() -> None:
    assert claimed(0.2, 0.0, PLAN, POLICY) == 0.2
