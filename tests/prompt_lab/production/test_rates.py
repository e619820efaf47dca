"""Rates, tests and intervals against scipy and statsmodels, and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from prompt_lab.production.detect import select_findings
from prompt_lab.production.rates import (
    Moments,
    difference_interval,
    exceeds_mean,
    exceeds_other,
    exceeds_rate,
    is_no_worse,
    means_interval,
    share_interval,
)
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType

RNG = 20260226


@given(total=st.integers(1, 400), share=st.floats(0, 1), rate=st.floats(0.001, 0.5))
def test_a_rate_is_compared_by_the_exact_binomial_test(
    total: int, share: float, rate: float
) -> None:
    hits = round(share * total)
    found = exceeds_rate(hits, total, rate * total)
    if hits >= rate * total + 1:
        exact = stats.binomtest(hits, total, rate, alternative="greater").pvalue
        assert found == pytest.approx(exact, rel=1e-8, abs=1e-300)
    else:
        assert found == 1.0


@pytest.mark.parametrize("level", [0.05, 0.01, 0.001])
def test_failures_that_come_in_clusters_do_not_raise_the_level(level: float) -> None:
    rng = np.random.default_rng(RNG)
    rejected = worlds = 0
    for _ in range(5_000):
        calls = rng.integers(1, 9, 40)  # calls of the tool in each session
        fails_all = rng.random(40) < 0.02  # all calls of a session fail, or none
        worlds += 1
        rejected += exceeds_rate(int(fails_all.sum()), 40, 0.02 * calls.sum()) <= level
    assert rejected / worlds <= level + 3 * np.sqrt(level * (1 - level) / worlds)


def test_chances_that_differ_between_sessions_keep_the_level() -> None:
    rng = np.random.default_rng(RNG)
    chances = np.r_[np.full(30, 0.001), np.full(10, 0.12)]
    hits = (rng.random((20_000, 40)) < chances).sum(axis=1)
    rejected = [exceeds_rate(int(k), 40, chances.sum()) <= 0.05 for k in hits]
    assert np.mean(rejected) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(hits))
    assert np.mean(rejected) > 0.005  # it does reject


@given(
    first=st.integers(0, 60), n=st.integers(1, 60), second=st.integers(0, 80), m=st.integers(1, 80)
)
def test_two_rates_are_compared_by_fishers_exact_test(
    first: int, n: int, second: int, m: int
) -> None:
    a, b = min(first, n), min(second, m)
    exact = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert exceeds_other((a, n), (b, m)) == pytest.approx(exact, rel=1e-7, abs=1e-12)


def test_large_counts_are_compared_without_overflow() -> None:
    exact = stats.hypergeom.sf(3299, 200_000, 6_200, 100_000)
    assert exceeds_other((3_300, 100_000), (2_900, 100_000)) == pytest.approx(exact, rel=1e-5)


@given(hits=st.integers(0, 50), more=st.integers(0, 50))
def test_a_share_has_the_exact_interval(hits: int, more: int) -> None:
    total = hits + more
    if not total:
        assert share_interval(0, 0) == (0.0, 1.0)
        return
    exact = stats.binomtest(hits, total).proportion_ci(method="exact")
    assert share_interval(hits, total) == pytest.approx((exact.low, exact.high), abs=1e-9)


@given(a=st.integers(0, 40), b=st.integers(0, 40))
def test_a_difference_has_newcombes_interval(a: int, b: int) -> None:
    low, high = confint_proportions_2indep(a, 40, b, 55, method="newcomb", compare="diff")
    assert difference_interval((a, 40), (b, 55)) == pytest.approx((low, high), abs=1e-9)


def test_means_are_compared_by_welchs_test() -> None:
    rng = np.random.default_rng(RNG)
    a, b = rng.normal(1.2, 1, 30), rng.normal(1, 3, 50)
    first, second = Moments(), Moments()
    for value in a:
        first = first.add(float(value))
    for value in b:
        second = second.add(float(value))
    exact = stats.ttest_ind(a, b + 0.1, equal_var=False, alternative="greater")
    assert exceeds_mean(first, second, 0.1) == pytest.approx(exact.pvalue)
    limits = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert means_interval(first, second) == pytest.approx((limits.low, limits.high))


def test_means_of_too_few_numbers_show_nothing() -> None:
    one = Moments().add(5.0)
    many = Moments().add(1.0).add(2.0)
    assert exceeds_mean(one, many) == 1.0
    assert means_interval(one, many) is None
    assert exceeds_mean(Moments().add(2.0).add(2.0), Moments().add(1.0).add(1.0)) == 1.0


@pytest.mark.parametrize(("rate", "n"), [(0.03, 100), (0.05, 400), (0.2, 150)])
def test_no_worse_keeps_its_level_where_the_other_is_worse_by_the_margin(
    rate: float, n: int
) -> None:
    rng = np.random.default_rng(RNG)
    worlds, margin = 3_000, 0.05
    new, old = rng.binomial(n, rate + margin, worlds), rng.binomial(n, rate, worlds)
    cache: dict[tuple[int, int], float] = {}
    for pair in zip(new.tolist(), old.tolist(), strict=True):
        if pair not in cache:
            cache[pair] = is_no_worse((pair[0], n), (pair[1], n), margin)
    shown = [cache[pair] <= 0.05 for pair in zip(new.tolist(), old.tolist(), strict=True)]
    # Newcombe's limits are approximate: a nominal 5 % may be a little more
    assert np.mean(shown) <= 0.065


def test_no_worse_is_shown_by_enough_equal_sessions() -> None:
    assert is_no_worse((20, 1000), (20, 1000), 0.05) < 1e-6
    assert is_no_worse((1, 20), (1, 20), 0.05) > 0.05
    assert is_no_worse((0, 0), (1, 20), 0.05) == 1.0


@pytest.mark.parametrize("seed", range(8))
def test_findings_are_selected_by_holms_procedure(seed: int) -> None:
    rng, level = np.random.default_rng(seed), 0.05
    p_values = (rng.random(8) ** rng.integers(1, 6, 8)).tolist()
    found = [
        Finding(
            detector="d",
            key=str(at),
            goal=Goal.ACCURACY,
            type=ItemType.INVESTIGATE,
            title="t",
            evidence=FindingEvidence(p_value=p_value),
        )
        for at, p_value in enumerate(p_values)
    ]
    rejected = multipletests(p_values, alpha=level, method="holm")[0]
    chosen = {one.key for one in select_findings(found, level)}
    assert chosen == {str(at) for at, yes in enumerate(rejected) if yes}
