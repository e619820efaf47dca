from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar

from prompt_lab.decide.signflip import advance, p_values, start

TENTHS = st.integers(-10, 10).map(lambda k: k / 10)


@given(st.lists(TENTHS, min_size=1, max_size=9))
def test_p_values_equal_the_count_of_all_flips(differences: list[float]) -> None:
    values = np.array(differences)
    sums = np.array([values @ signs for signs in product((1, -1), repeat=len(values))])
    better, worse = p_values(values)
    assert better == pytest.approx((sums >= values.sum() - 1e-9).mean(), abs=1e-9)
    assert worse == pytest.approx((sums <= values.sum() + 1e-9).mean(), abs=1e-9)


def test_zero_or_one_scores_are_the_exact_mcnemar_test() -> None:
    values = np.array([1.0] * 12 + [-1.0] * 5 + [0.0] * 40)
    two_sided = mcnemar([[0, 12], [5, 0]], exact=True).pvalue
    assert p_values(values)[0] == pytest.approx(two_sided / 2)


def test_from_twenty_moving_plans_half_of_the_tie_counts() -> None:
    values = np.array([1.0] * 16 + [-1.0] * 8)
    exact = binomtest(16, 24, alternative="greater").pvalue
    at = (
        binomtest(16, 24, alternative="greater").pvalue
        - binomtest(17, 24, alternative="greater").pvalue
    )
    assert p_values(values)[0] == pytest.approx(exact - at / 2)


def test_many_graded_values_come_close_to_the_t_test() -> None:
    values = np.random.default_rng(3).normal(0.02, 0.2, size=300)
    reference = ttest_1samp(values, 0, alternative="greater").pvalue
    assert p_values(values)[0] == pytest.approx(reference, rel=0.05)


@pytest.mark.parametrize("alpha", [0.05, 0.002])
def test_looks_cross_in_no_more_flips_than_alpha(alpha: float) -> None:
    sizes = np.array([0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8])
    crossed = 0
    for signs in product((1, -1), repeat=len(sizes)):
        values, walk = sizes * signs, start()
        for first, last, level in ((0, 5, alpha / 2), (5, 10, alpha)):
            step = advance(walk, values[first:last], level)
            walk = step.walk
            if step.better:
                crossed += 1
                break
    assert crossed / 2 ** len(sizes) <= alpha
    assert crossed / 2 ** len(sizes) > alpha / 2 - 2 ** -len(sizes)


def test_the_stagewise_p_value_is_below_the_level_exactly_where_the_walk_crosses() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values, walk = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.6, 0.3], size=60), start()
        for part, level in ((values[:30], 0.01), (values[30:], 0.05)):
            step = advance(walk, part, level)
            assert step.better == (step.p_better <= level + 1e-12)
            if step.better:
                break
            walk = step.walk
