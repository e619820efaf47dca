import itertools

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from prompt_lab.decide.boundaries import alpha_spent, boundaries, crossing
from prompt_lab.decide.policy import Policy, Spending

FIFTHS = tuple(k / 5 for k in range(1, 6))

# One-sided 0.025, five equal looks. Spending: Lan and DeMets 1983 as tabulated in Jennison and
# Turnbull 2000 and printed by gsDesign; classic shapes: O'Brien and Fleming 1979, Pocock 1977.
PUBLISHED = [
    ("obrien_fleming", (4.877, 3.357, 2.680, 2.290, 2.031)),
    ("pocock", (2.438, 2.427, 2.410, 2.397, 2.386)),
]


@pytest.mark.parametrize(("spending", "table"), PUBLISHED)
def test_spending_boundaries_equal_the_published_table(
    spending: Spending, table: tuple[float, ...]
) -> None:
    policy = Policy(alpha=0.025, spending=spending)
    found = boundaries(FIFTHS, tuple(alpha_spent(t, policy) for t in FIFTHS))
    assert found == pytest.approx(table, abs=6e-4)


@pytest.mark.parametrize(
    ("bounds", "name"),
    [
        (tuple(2.040 / np.sqrt(t) for t in FIFTHS), "O'Brien and Fleming"),
        ((2.413,) * 5, "Pocock"),
    ],
)
def test_classic_boundaries_spend_their_alpha(bounds: tuple[float, ...], name: str) -> None:
    assert crossing(FIFTHS, bounds).sum() == pytest.approx(0.025, abs=5e-5), name


@pytest.mark.parametrize("drift", [0.0, 2.0])
def test_crossing_agrees_with_the_multivariate_normal(drift: float) -> None:
    times, bounds = (0.3, 0.6, 1.0), (2.5, 2.2, 1.9)
    cov = [[min(a, b) / np.sqrt(a * b) for b in times] for a in times]
    means = drift * np.sqrt(times)
    stays = multivariate_normal(means, cov).cdf(bounds)
    assert 1 - crossing(times, bounds, drift).sum() == pytest.approx(stays, abs=2e-4)


@pytest.mark.parametrize("gamma", [-4.0, -1.75, 0.0, 1.0])
@pytest.mark.parametrize("spending", ["hsd", "obrien_fleming", "pocock"])
def test_all_alpha_is_spent_at_the_end_and_never_given_back(
    spending: Spending, gamma: float
) -> None:
    policy = Policy(spending=spending, gamma=gamma)
    levels = [alpha_spent(t, policy) for t in np.linspace(0.01, 1, 50)]
    assert levels[-1] == policy.alpha
    assert all(a < b for a, b in itertools.pairwise(levels))
