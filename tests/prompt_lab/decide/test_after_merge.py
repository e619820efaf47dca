"""The check of a merge: its error over very many looks, and what it finds."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from prompt_lab.decide.after_merge import DifferenceRow, check_merge
from prompt_lab.decide.anytime import log_e_path, log_e_value
from prompt_lab.decide.pairs import Floats

ALPHA = 0.05
LOOKS = 10_000
Draw = Callable[[np.random.Generator, int], Floats]


def signs(rng: np.random.Generator, size: int) -> Floats:
    """Pass or fail on both sides; as often better as worse."""
    return rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=size)


def graded(rng: np.random.Generator, size: int) -> Floats:
    return rng.normal(0.0, 0.2, size=size).clip(-1, 1)


def skewed(rng: np.random.Generator, size: int) -> Floats:
    """A small gain on most plans and a large loss on few: a mean of 0."""
    return rng.choice([0.05, -0.95], p=[0.95, 0.05], size=size)


@pytest.mark.parametrize("worlds", [100, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.parametrize("draw", [signs, graded, skewed])
def test_at_a_zero_effect_ten_thousand_looks_call_at_most_alpha_of_the_merges_worse(
    draw: Draw, worlds: int
) -> None:
    rng, reached = np.random.default_rng(7), -np.log(ALPHA)
    worse = sum(bool((log_e_path(-draw(rng, LOOKS)) >= reached).any()) for _ in range(worlds))
    assert binom.sf(worse - 1, worlds, ALPHA) > 0.001, f"{worse} of {worlds}"


def test_a_t_test_at_each_look_would_call_far_more_of_them_worse() -> None:
    """The same simulation finds a rule that may not look often."""
    rng = np.random.default_rng(7)
    looks = range(20, 1000, 20)
    worlds = np.array([signs(rng, 1000) for _ in range(100)])
    found = [ttest_1samp(worlds[:, :n], 0.0, axis=1, alternative="less").pvalue for n in looks]
    assert (np.array(found) <= ALPHA).any(axis=0).mean() > 3 * ALPHA


def test_the_path_ends_where_the_e_value_is() -> None:
    values = signs(np.random.default_rng(1), 50)
    path = log_e_path(values, 0.03)
    assert path[-1] == pytest.approx(log_e_value(values, 0.03))
    assert path[9] == pytest.approx(log_e_value(values[:10], 0.03))


def rows_of(values: Floats, source: str = "retest") -> list[DifferenceRow]:
    return [
        DifferenceRow(source=source, unit=f"plan_{n}", difference=float(value))
        for n, value in enumerate(values)
    ]


def test_a_loss_of_twenty_points_is_found_and_stays_found() -> None:
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(50):
        values = rng.choice([-1.0, 0.0, 1.0], p=[0.3, 0.6, 0.1], size=250)
        found += check_merge(rows_of(values), alpha=ALPHA, margin=0.0).state == "worse"
    assert found >= 45
    loss = rows_of(np.full(40, -0.5))
    gains = [
        row.model_copy(update={"unit": f"later_{n}", "difference": 1.0})
        for n, row in enumerate(loss)
    ]
    check = check_merge([*loss, *gains], alpha=ALPHA, margin=0.0)
    assert check.state == "worse"
    assert check.effect is not None
    assert check.effect > 0


def test_a_gain_holds_and_few_plans_show_neither() -> None:
    assert check_merge(rows_of(np.full(30, 0.4)), alpha=ALPHA, margin=0.0).state == "holds"
    assert check_merge(rows_of(np.full(3, -0.5)), alpha=ALPHA, margin=0.0).state == "open"
    nothing = check_merge([], alpha=ALPHA, margin=0.0)
    assert (nothing.state, nothing.text) == ("open", "Not tested on a fresh plan yet.")


def test_a_loss_within_the_margin_is_not_worse() -> None:
    values = np.random.default_rng(5).normal(-0.02, 0.05, size=400).clip(-1, 1)
    assert check_merge(rows_of(values), alpha=ALPHA, margin=0.0).state == "worse"
    accepted = check_merge(rows_of(values), alpha=ALPHA, margin=0.03)
    assert accepted.state != "worse"
    assert "a loss of more than 3 points" in accepted.text


def test_rows_of_another_source_join_the_same_process_and_a_unit_counts_once() -> None:
    here, there = rows_of(np.full(12, -0.4)), rows_of(np.full(12, -0.4), source="production")
    assert check_merge(here, alpha=ALPHA, margin=0.0).state == "open"
    joined = check_merge([*here, *there], alpha=ALPHA, margin=0.0)
    assert (joined.state, joined.units) == ("worse", 24)
    assert check_merge([*here, *here], alpha=ALPHA, margin=0.0).units == 12


def test_the_sealed_sentence_holds_no_figure_but_the_number_of_plans() -> None:
    check = check_merge(rows_of(np.full(40, -0.537)), alpha=ALPHA, margin=0.0)
    assert check.sealed_text == "Turned out worse: 40 fresh plans show a loss."
    assert "-53.7 points" in check.text
