"""telling_line and readings: values are found in any notation, no word is looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.propose.examples import WIDEST, readings, telling_line


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Total 1,249.50 EUR", 1249.5),
        ("Summe: 1.249,50 €", 1249.5),
        ("Total 1 249,50 €", 1249.5),
        ("Total 1'249.50 CHF", 1249.5),
        ("EUR 1.249,-", 1249),
        ("Preis: 59,9", 59.9),
        ("A refund of -20.00", -20.0),
        ("3 120.00", 120),
        ("From NORDWIND ag, Kiel", "Nordwind AG"),
    ],
)
def test_the_line_with_the_value_is_found(line: str, value: object) -> None:
    text = f"Order 77 of 3.5.2024\n\n{line}\nCustomer 8812"
    assert telling_line(text, {"value": value}) == line


def test_the_line_with_most_values_wins_and_else_the_first() -> None:
    text = "12 EUR\nNord AG\nNord AG, 12 EUR"
    assert telling_line(text, {"a": 12, "v": "Nord AG"}) == "Nord AG, 12 EUR"
    assert telling_line("\n  first \nsecond", {"label": "billing"}) == "first"
    assert telling_line(" \n", {"a": 1}) == ""


def test_a_long_line_is_cut_around_the_value() -> None:
    line = "before " * 40 + "pay 55.20 now " + "after " * 40
    shown = telling_line(line, {"a": 55.2})
    assert "55.20" in shown
    assert len(shown) <= WIDEST
    assert set(shown.split()) <= set(line.split())


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.text())
def test_a_snippet_is_one_short_line_of_the_text(text: str, value: object) -> None:
    shown = telling_line(text, {"a": value})
    assert len(shown) <= WIDEST
    assert len(shown.splitlines()) <= 1
    assert shown in " ".join(text.split())


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_every_amount_is_read_back_in_both_notations(amount: float) -> None:
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert float(amount) in readings(english)
    assert float(amount) in readings(german)
