"""The drift test is exact, keeps its level, and finds what it must."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from prompt_lab.evaluate.drift import drifted

SCORES = st.integers(0, 20).map(lambda n: n / 20)
PAIRS = st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=9)


def by_listing(moves: list[float]) -> float:
    """The p-value by writing out every flip of the signs."""
    observed = abs(sum(moves)) - 1e-9
    sums = [sum(s * m for s, m in zip(f, moves, strict=True)) for f in _flips(len(moves))]
    return sum(abs(total) >= observed for total in sums) / len(sums)


def _flips(n: int) -> list[tuple[int, ...]]:
    return list(product((-1, 1), repeat=n))


@given(PAIRS)
def test_the_p_value_is_that_of_all_flips_written_out(pairs: list[tuple[float, float]]) -> None:
    then, now = zip(*pairs, strict=True)
    expected = by_listing([b - a for a, b in pairs])
    assert drifted(then, now).p_value == pytest.approx(expected, abs=1e-12)


@given(PAIRS)
def test_then_and_now_swapped_turn_the_shift_round(pairs: list[tuple[float, float]]) -> None:
    then, now = zip(*pairs, strict=True)
    one, other = drifted(then, now), drifted(now, then)
    assert one.p_value == other.p_value
    assert one.shift == pytest.approx(-other.shift)


def test_right_and_wrong_answers_give_mcnemars_exact_test() -> None:
    then = [1.0] * 18 + [0.0] * 5 + [1.0] * 30
    now = [0.0] * 18 + [1.0] * 5 + [1.0] * 30
    assert drifted(then, now).p_value == pytest.approx(binomtest(5, 23).pvalue)


def answers(rng: np.random.Generator, chances: Sequence[float]) -> list[float]:
    """One right or wrong answer for each chance."""
    return [float(rng.random() < chance) for chance in chances]


def test_false_alarms_stay_within_alpha() -> None:
    rng = np.random.default_rng(20260304)
    alarms = 0
    for _ in range(1500):
        chances = rng.uniform(0.2, 0.8, 20).tolist()
        alarms += drifted(answers(rng, chances), answers(rng, chances), 0.05).drifted
    # An exact test on 0/1 scores stays below its level; 3 standard errors are 0.017.
    assert alarms / 1500 <= 0.05 + 0.017


def test_a_shift_of_60_points_on_20_pairs_is_found() -> None:
    for fell, rose in ((12, 0), (13, 1), (14, 2)):
        same = 20 - fell - rose
        then = [1.0] * fell + [0.0] * rose + [1.0] * same
        now = [0.0] * fell + [1.0] * rose + [1.0] * same
        result = drifted(then, now)
        assert result.shift == pytest.approx(-0.6)
        assert result.drifted


def test_the_power_against_60_points_lost() -> None:
    rng = np.random.default_rng(7)
    lost, independent = 0, 0
    for _ in range(300):
        then = answers(rng, [0.8] * 20)
        lost += drifted(then, answers(rng, [score / 4 for score in then])).drifted
        independent += drifted(then, answers(rng, [0.2] * 20)).drifted
    assert lost / 300 > 0.95
    assert independent / 300 > 0.7


def test_graded_scores_that_all_fall_by_60_points_are_found() -> None:
    then = [0.6 + 0.02 * n for n in range(20)]
    result = drifted(then, [score - 0.6 for score in then])
    assert result.drifted
    assert result.p_value == pytest.approx(2.0**-19)
    assert result.shift == pytest.approx(-0.6)
    assert (result.pairs, result.moved) == (20, 20)


def test_nothing_moved_is_no_drift() -> None:
    result = drifted([0.5] * 40, [0.5] * 40)
    assert (result.p_value, result.drifted, result.moved) == (1.0, False, 0)
    assert not drifted([], []).drifted


def test_too_few_pairs_can_never_tell_and_say_so() -> None:
    seven, eight = drifted([1.0] * 7, [0.0] * 7), drifted([1.0] * 8, [0.0] * 8)
    assert (seven.drifted, seven.can_tell) == (False, False)
    assert (eight.drifted, eight.can_tell) == (True, True)
    assert not drifted([], []).can_tell


def test_thousands_of_graded_pairs_take_a_moment() -> None:
    rng = np.random.default_rng(1)
    then = rng.uniform(0.2, 0.6, 2000).tolist()
    assert not drifted(then, then[::-1]).drifted
    assert drifted(then, [score + 0.05 for score in then]).drifted


@pytest.mark.parametrize(
    ("then", "now"), [([1.0], []), ([1.2], [0.0]), ([0.0], [-0.1]), ([float("nan")], [0.0])]
)
def test_what_are_no_paired_scores_is_refused(then: list[float], now: list[float]) -> None:
    with pytest.raises(ValueError, match="score"):
        drifted(then, now)
