import numpy as np
import pytest

from prompt_lab.decide.adjust import adjusted, centered_difficulty
from prompt_lab.decide.verdict import Evidence, Policy, decide
from tests.prompt_lab.decide.making import pairs_of


def test_known_difficulty_is_centred_and_unknown_plans_are_left_alone() -> None:
    assert centered_difficulty(["a", "b", "c"], {"a": 0.2, "b": 0.6}) == pytest.approx(
        [-0.2, 0.2, 0.0]
    )
    assert centered_difficulty(["a"], {"a": 0.2}) is None
    assert centered_difficulty(["a", "b"], None) is None


def test_no_look_changes_what_an_earlier_one_saw() -> None:
    rng = np.random.default_rng(0)
    known_plans, values = rng.normal(size=90), rng.normal(size=90)
    early = adjusted(values[:60], known_plans[:60], (30, 60, 90))
    late = adjusted(values, known_plans, (30, 60, 90))
    assert np.array_equal(early, late[:60])
    assert np.array_equal(late[:30], values[:30])


def test_it_takes_out_what_history_explains() -> None:
    rng = np.random.default_rng(1)
    difficulty = rng.uniform(0.2, 0.8, size=60)
    gains = 0.03 + 0.6 * (difficulty - difficulty.mean()) + rng.normal(0, 0.03, size=60)
    pairs = pairs_of(gains.clip(-1, 1))
    evidence = Evidence(difficulty={p.plan: d for p, d in zip(pairs, difficulty, strict=True)})
    plain = decide(pairs, Policy(), evidence)
    helped = decide(pairs, Policy(adjust="difficulty"), evidence)
    assert (helped.p_value or 0) < (plain.p_value or 0) / 10
    assert helped.effect == plain.effect
