"""field_credit and same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.evaluate.normalize import field_credit, values_equal


@pytest.mark.parametrize(
    ("gold", "answer", "wanted"),
    [
        (1249.0, 1249, True),
        (1249.95, 1249.949999, True),
        (1249.95, 1249.94, False),
        (1e15, 1e13, False),
        (10**400, 1.7e308, False),
        (0, False, False),
        ("0", 0, False),
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


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.recursive(st.none() | st.booleans() | NUMBERS | st.text(), st.lists, max_leaves=5))
def test_everything_is_the_same_as_itself(value: object) -> None:
    assert values_equal(value, value)


def test_a_field_that_is_not_there_has_no_credit_even_where_gold_is_null() -> None:
    assert field_credit({"a": 1, "b": None}, {}) == {"a": 0.0, "b": 0.0}
    assert field_credit({"a": 1, "b": None}, {"a": 1, "b": None, "c": 2}) == {"a": 1.0, "b": 1.0}
