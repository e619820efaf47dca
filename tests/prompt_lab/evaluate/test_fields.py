"""field_credit and same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.config.lab import CompareConfig
from prompt_lab.evaluate.normalize import field_credit, values_equal


@pytest.mark.parametrize(
    ("gold", "answer", "wanted"),
    [
        (1249.0, 1249, True),
        (1249.95, 1249.949999, True),
        (0.014, 0.006, False),
        (1e-9, 0.0049, False),
        (0, 1e-9, False),
        ("18", 18.0, True),
        (18.0, " 18 ", True),
        ("0x12", 18, False),
        ("1e999", 1.0, False),
        ("1,249", 1249, False),
        ("true", True, True),
        (True, "FALSE", False),
        ("10⁵", "105", False),
        ("\uff2eord", "nord", True),
        (1249.95, 1249.94, False),
        (1e15, 1e13, False),
        (10**400, 1.7e308, False),
        (0, False, False),
        ("0", 0, True),
        ("0", False, False),
        ("Müller  GmbH", "müller gmbh", True),
        ("Mu\u0308ller", "Müller", True),
        ("Müller", "Muller", False),
        (None, None, True),
        (None, "", False),
        ([1, "A"], [1.0, "a"], True),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
    ],
)
def test_same(gold: object, answer: object, wanted: bool) -> None:
    assert values_equal(gold, answer) is wanted


@pytest.mark.parametrize(
    ("rules", "gold", "answer", "wanted"),
    [
        ({"case": "keep"}, "mW", "MW", False),
        ({"case": "keep"}, ["mW"], ["mW"], True),
        ({"characters": "compatible"}, "10⁵", "105", True),
        ({"spaces": "keep"}, "a  b", "a b", False),
        ({"types": "keep"}, "18", 18, False),
        ({"types": "keep"}, "true", True, False),
        ({"absolute": 0.005}, 1249, 1249.004, True),
        ({"absolute": 0.005}, 1249, 1249.006, False),
        ({"relative": 0.01}, 200, 202, True),
        ({"relative": 0.01}, 200, 202.1, False),
        ({"relative": 0.0}, 0.1 + 0.2, 0.3, False),
    ],
)
def test_the_rules_of_a_step_decide(
    rules: dict[str, object], gold: object, answer: object, wanted: bool
) -> None:
    assert values_equal(gold, answer, CompareConfig.model_validate(rules)) is wanted


def test_a_field_has_its_own_rules_above_those_of_all_fields() -> None:
    every = CompareConfig(case="keep", absolute=0.5)
    fields = {"rate": CompareConfig(absolute=0.0)}
    gold, answer = {"rate": 1.0, "sum": 1.0, "unit": "mW"}, {"rate": 1.1, "sum": 1.4, "unit": "MW"}
    assert field_credit(gold, answer, every, fields) == {"rate": 0.0, "sum": 1.0, "unit": 0.0}
    assert field_credit({"rate": "a"}, {"rate": "A"}, every, fields) == {"rate": 0.0}


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.recursive(st.none() | st.booleans() | NUMBERS | st.text(), st.lists, max_leaves=5))
def test_everything_is_the_same_as_itself(value: object) -> None:
    assert values_equal(value, value)


def test_a_field_that_is_not_there_has_no_credit_even_where_gold_is_null() -> None:
    assert field_credit({"a": 1, "b": None}, {}) == {"a": 0.0, "b": 0.0}
    assert field_credit({"a": 1, "b": None}, {"a": 1, "b": None, "c": 2}) == {"a": 1.0, "b": 1.0}
