import pytest

from prompt_lab.decide.noise import Score, noise_floor
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import TrialPrice
from prompt_lab.evaluate.noise_floor import FloorRecord, FloorRequest, ModelFloor, in_calls, need
from prompt_lab.report.noise import render_noise, render_noise_page
from tests.prompt_lab.report.reading import Page


def record(patterns: dict[str, str], **model: float) -> FloorRecord:
    scores = [
        Score("m", plan, n, float(letter == "P"))
        for plan, pattern in patterns.items()
        for n, letter in enumerate(pattern)
    ]
    asked = FloorRequest(
        step="s", commit="c" * 40, models=("m",), plans=tuple(patterns), replicates=5
    )
    given = {"seconds": 1.5, "cost_usd": 0.001, **model}
    of_model = ModelFloor(model="m", runs=len(scores), mean=0.5, deviation=0.2, flaky=1, **given)
    return FloorRecord(created="", asked=asked, floor=noise_floor(scores), by_model=(of_model,))


def test_more_noise_needs_more_plans_and_costs_more() -> None:
    calm = need(record({"a": "PPPPP", "b": "FFFFF", "c": "PPPPP"}), 0.1, Policy())
    noisy = need(record({"a": "PFPFP", "b": "FFPFF", "c": "PPPPP"}), 0.1, Policy())
    assert calm.plans_by_noise < calm.plans < noisy.plans
    assert noisy.plans <= noisy.plans_at_worst
    assert noisy.price.calls == 2 * noisy.plans
    assert noisy.price.dollars == pytest.approx(0.001 * noisy.price.calls)
    assert noisy.price.seconds == pytest.approx(1.5 * noisy.price.calls)


def test_a_gain_of_whole_answers_needs_plans_even_without_noise() -> None:
    calm = need(record({"a": "PPPPP", "b": "FFFFF"}), 0.1, Policy())
    assert (calm.plans_by_noise, calm.plans, calm.plans_at_worst) == (5, 58, 155)


def test_the_page_shows_the_pattern_and_the_price() -> None:
    page = render_noise(record({"a": "PPFPP", "b": "FFFFF", "c": "PPPPP"}), Policy())
    assert "| m | a | PPFPP | 0.80 |" in page
    assert "FFFFF" not in page
    assert "| +10 points |" in page
    assert "calls, $" in page


def test_the_html_page_draws_every_plan_and_says_what_the_text_says() -> None:
    found = record({"a": "PPFPP", "b": "FFFFF", "<script>": "PPPPP"})
    page = Page(render_noise_page(found, Policy()))
    strips = [found["aria-label"] for found in page.find("span", class_="strip")]
    assert strips == ["PPFPP", "PPPPP", "FFFFF"]
    drawn = [svg.get("aria-label", "") for svg in page.find("svg", class_="plot")]
    assert drawn[:3] == [
        "a: 0.80, deviation 0.45",
        "<script>: 1.00, deviation 0.00",
        "b: 0.00, deviation 0.00",
    ]
    assert len(page.find("script")) == 1  # ours
    for shown in ("calls, $", "+10 points", "0.80"):
        assert shown in page.text
    assert page.find("a", href="s.json")


def test_time_is_told_in_minutes_then_in_hours() -> None:
    assert in_calls(TrialPrice(1, 2, None, 61.0)) == "2 calls, $0.00, 2 min"
    assert in_calls(TrialPrice(1, 2, 0.5, 7200.0)) == "2 calls, $0.50, 2.0 h"
