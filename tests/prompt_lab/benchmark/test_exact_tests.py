"""Fisher's test against scipy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from prompt_lab.benchmark.exact_tests import fisher_greater

SIDE = st.tuples(st.integers(0, 40), st.integers(0, 40))


@given(SIDE, SIDE)
def test_it_is_scipys(first: tuple[int, int], second: tuple[int, int]) -> None:
    expected = fisher_exact([list(first), list(second)], alternative="greater").pvalue
    assert fisher_greater(first, second) == pytest.approx(float(expected), abs=1e-9)
