"""Figures in words."""

import pytest

from prompt_lab.report.words import money


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.5, "$0.50"), (0.0012, "$0.0012"), (-500.0, "-$500.00"), (-0.001, "-$0.001")],
)
def test_money(value: float, told: str) -> None:
    assert money(value) == told
