"""The gate of the extended phase, by simulation with independent answers."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, f_oneway
from statsmodels.stats.proportion import proportion_confint

from prompt_lab.benchmark.harness_config import PolicyGates
from prompt_lab.benchmark.policy_gates import decide_gate

WORLDS = 1000


def is_blocked(answers: NDArray[np.bool_]) -> bool:
    """An independent computation: scipy's analysis of variance, statsmodels' interval."""
    plans, repeats = answers.shape
    if answers.all() or not answers.any():
        size = plans
    else:
        f_value = float(f_oneway(*answers.astype(float)).statistic)
        correlation = (f_value - 1) / (f_value + repeats - 1) if np.isfinite(f_value) else 1.0
        size = answers.size / (1 + (repeats - 1) * max(correlation, 0.0))
    _, high = proportion_confint(answers.mean() * size, size, 0.05, method="beta")
    return bool(high < 0.30)


def blocked(accuracy: float) -> tuple[float, float]:
    """The 95 % interval of the share of benchmarks of 20 plans and 3 repeats that block."""
    rng, found = np.random.default_rng(21), 0
    for number in range(WORLDS):
        drawn = rng.random((20, 3)) < accuracy
        answers = {str(n): row.tolist() for n, row in enumerate(drawn)}
        decision = decide_gate(answers, "extended", PolicyGates())
        assert decision is not None
        if number < 100:
            assert decision.allow != is_blocked(drawn)
        found += not decision.allow
    interval = binomtest(found, WORLDS).proportion_ci()
    return interval.low, interval.high


def test_a_model_above_the_gate_is_blocked_in_at_most_5_percent() -> None:
    assert blocked(0.35)[1] <= 0.05


def test_a_model_far_below_the_gate_is_blocked_in_at_least_95_percent() -> None:
    assert blocked(0.05)[0] >= 0.95


def test_with_too_few_answers_the_point_decides_and_says_so() -> None:
    decision = decide_gate({"a": [False, False], "b": [False, True]}, "extended", PolicyGates())
    assert decision is not None
    assert (decision.allow, decision.provisional) == (False, True)
    assert decision.reason.startswith("provisional")


def test_a_phase_without_a_gate_blocks_nobody() -> None:
    assert decide_gate({"a": [False] * 50}, "atomic", PolicyGates()) is None
