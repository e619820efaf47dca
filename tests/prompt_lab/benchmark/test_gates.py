"""The gate of the extended phase, by simulation with independent answers."""

import numpy as np
from scipy.stats import binomtest

from prompt_lab.benchmark.harness_config import PolicyGates
from prompt_lab.benchmark.policy_gates import decide_gate

WORLDS = 1000


def blocked(accuracy: float) -> tuple[float, float]:
    """The 95 % interval of the share of benchmarks of 20 plans and 3 repeats that block."""
    rng, found = np.random.default_rng(21), 0
    for _ in range(WORLDS):
        answers = {str(n): (rng.random(3) < accuracy).tolist() for n in range(20)}
        decision = decide_gate(answers, "extended", PolicyGates())
        assert decision is not None
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
