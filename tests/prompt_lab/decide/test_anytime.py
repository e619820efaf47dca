from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.decide import anytime
from prompt_lab.decide.verdict import Policy, decide
from tests.prompt_lab.decide.making import pairs_of

VALUES = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.3, 1.0]), min_size=1, max_size=12)


@given(VALUES)
def test_zeros_leave_the_evidence_as_it_is(values: list[float]) -> None:
    assert anytime.log_e_value(np.array([*values, 0.0])) == pytest.approx(
        anytime.log_e_value(np.array(values))
    )


@pytest.mark.parametrize("line", [-0.3, 0.0, 0.4])
def test_the_mean_e_value_is_at_most_one_where_the_mean_is_on_the_line(line: float) -> None:
    high, low = 1.0, -1.0
    chance = (line - low) / (high - low)
    total = 0.0
    for wins in range(7):
        values = np.array([high] * wins + [low] * (6 - wins))
        weight = comb(6, wins) * chance**wins * (1 - chance) ** (6 - wins)
        total += weight * np.exp(anytime.log_e_value(values, line))
    assert total <= 1 + 1e-9


def test_looking_after_every_plan_keeps_few() -> None:
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(200):
        values = rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=100)
        kept += any(anytime.log_e_value(values[:n]) > np.log(20) for n in range(5, 101, 5))
    assert kept / 200 <= 0.05


def test_the_confidence_limits_hold_the_mean_and_agree_with_the_test() -> None:
    values = np.random.default_rng(1).normal(0.2, 0.3, size=150).clip(-1, 1)
    low, high = anytime.confidence(values, 0.05)
    assert 0 < low < values.mean() < high
    assert anytime.log_e_value(values, low) == pytest.approx(np.log(20), abs=0.01)


def test_few_plans_are_named_in_this_mode_too() -> None:
    verdict = decide(pairs_of([1.0] * 4), Policy(mode="anytime"))
    needed = int(verdict.reasons[0].facts["needed"])
    assert decide(pairs_of([1.0] * needed), Policy(mode="anytime")).outcome == "YES"
    assert decide(pairs_of([1.0] * (needed - 1)), Policy(mode="anytime")).outcome != "YES"
