"""Warm-ups: the cold start is the unit."""

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from prompt_lab.benchmark.cold_starts import (
    ColdStart,
    decide_effect,
    decide_position,
    validate_warm_up,
)
from prompt_lab.benchmark.supervisor import to_pattern
from prompt_lab.names import Outcome

WORLDS = 600


def test_the_old_claim_of_one_start_is_no_yes() -> None:
    """The old fault: '71.4 % -> 100 %' was claimed from [FFPPPPP] and [PPPPPPP]."""
    found = validate_warm_up("m", "s", [ColdStart(start=0, cold="FFPPPPP", warm="PPPPPPP")])
    assert found.outcome is not Outcome.YES
    assert (round(found.before, 3), found.after) == (0.714, 1.0)
    assert found.p_value == pytest.approx(0.5)
    assert round(found.answers_p_value, 2) == 0.23
    assert found.starts_needed == 5
    many = [ColdStart(start=n, cold="FFPPPPP", warm="PPPPPPP") for n in range(5)]
    assert validate_warm_up("m", "s", many).outcome is Outcome.YES


def draw(rng: np.random.Generator, accuracy: float, *, helps: bool) -> list[ColdStart]:
    starts = []
    for start in range(8):
        cold, warm = rng.random((2, 7)) < accuracy
        if helps:
            cold[:2], warm[:2] = False, True
        patterns = {"cold": to_pattern(cold.tolist()), "warm": to_pattern(warm.tolist())}
        starts.append(ColdStart(start=start, **patterns))
    return starts


def share(answers: Sequence[bool]) -> tuple[float, float]:
    """The 95 % interval of a share of worlds."""
    found = binomtest(sum(answers), len(answers)).proportion_ci()
    return found.low, found.high


def exact_p_value(differences: Sequence[float]) -> float:
    """One-sided, by all flips of the starts' signs: an independent computation."""
    values = np.asarray(differences)
    return float((sign_flips(len(values)) @ values >= values.sum() - 1e-9).mean())


@cache
def sign_flips(starts: int) -> NDArray[np.int_]:
    """All 2 ** starts rows of signs."""
    return np.array(list(product((1, -1), repeat=starts)))


def is_adopted(starts: Sequence[ColdStart]) -> bool:
    """By the engine wherever the independent computation says that it may be adopted.

    The engine's lattice rounds the sizes, so its p-value differs by a few of the 256 flips.
    """
    differences = [weigh(one.warm) - weigh(one.cold) for one in starts]
    p_value = exact_p_value(differences)
    if p_value > 0.08:
        return False
    verdict = decide_effect(starts)
    assert verdict.p_value == pytest.approx(p_value, abs=0.02)
    return verdict.outcome is Outcome.YES


def weigh(pattern: str) -> float:
    weights = 1 / np.arange(1, len(pattern) + 1)
    return float(weights @ [mark == "P" for mark in pattern] / weights.sum())


@pytest.mark.parametrize("accuracy", [0.5, 0.9])
def test_a_warm_up_that_does_nothing_is_adopted_in_at_most_5_percent(accuracy: float) -> None:
    rng = np.random.default_rng(11)
    worlds = [is_adopted(draw(rng, accuracy, helps=False)) for _ in range(WORLDS)]
    assert share(worlds)[0] <= 0.05


@pytest.mark.parametrize("accuracy", [0.5, 0.9])
def test_one_that_repairs_the_first_two_of_seven_is_adopted_within_8_starts(
    accuracy: float,
) -> None:
    rng = np.random.default_rng(12)
    worlds = [is_adopted(draw(rng, accuracy, helps=True)) for _ in range(50)]
    assert share(worlds)[0] >= 0.90


def test_failures_come_first_is_a_claim_about_starts() -> None:
    first = [ColdStart(start=n, cold="FFPPPPP", warm="PPPPPPP") for n in range(8)]
    assert decide_position(first).p_value == pytest.approx(1 / 256)
    rng = np.random.default_rng(13)
    for starts in (draw(rng, 0.7, helps=False) for _ in range(5)):
        differences = [weigh(one.cold[::-1]) - weigh(one.cold) for one in starts]
        assert decide_position(starts).p_value == pytest.approx(
            exact_p_value(differences), abs=0.02
        )
