import pytest

from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import Rates, forecast, price


def test_the_forecast_agrees_with_the_known_power_of_one_look() -> None:
    seen = forecast(200, 0.61, Policy(mode="fixed"))
    assert seen.power == pytest.approx(0.75, abs=0.01)  # normal: 0.1 / (0.61 / sqrt(200)) - 1.645
    assert seen.mean_plans_if_equal == pytest.approx(200)
    assert forecast(seen.needed, 0.61, Policy(mode="fixed", max_plans=999)).power >= 0.8


def test_looks_save_plans_and_cost_a_little_power() -> None:
    once, looks = forecast(200, 0.61, Policy(mode="fixed")), forecast(200, 0.61, Policy())
    assert once.power - 0.06 < looks.power < once.power
    assert looks.mean_plans_if_equal < 150
    assert looks.mean_plans_if_better < 150
    assert looks.visible > once.visible


def test_a_granted_alpha_leaves_less_power_and_may_leave_none() -> None:
    assert forecast(200, 0.61, Policy(alpha=0.0005)).power < 0.3
    assert not forecast(8, 0.61, Policy(alpha=0.0005)).possible


def test_the_price_counts_both_sides() -> None:
    cost = price(100, 7, Rates(dollars=0.01, seconds=6.0, workers=4))
    assert list(cost[1:]) == pytest.approx([1400, 14.0, 2100.0])
    assert price(100, 7, Rates()).dollars is None
