"""What gate and canary do in the long run: a short simulation here, the promised ones as long."""

from pathlib import Path

import pytest

from prompt_lab.config.base import load
from prompt_lab.config.promptops import CanaryConfig
from prompt_lab.decide.policy import Policy
from prompt_lab.promptops.chances import count_aborted, render_chances, simulate_chances

STRICT = load(Path(__file__).parents[3] / "configs" / "policies" / "strict.yaml", Policy)


def test_a_worse_candidate_is_mostly_aborted_and_an_equal_one_seldom() -> None:
    config = CanaryConfig()
    assert count_aborted(-0.05, 40, config, seed=3) >= 34
    assert count_aborted(0.0, 40, config, seed=3) <= 10


@pytest.mark.slow
@pytest.mark.long
def test_all_promises_hold() -> None:
    rows = simulate_chances(STRICT, 1000, seed=1)
    false, worse, equal, binary, graded = (one.rate for one in rows)
    assert false <= 0.05, render_chances(rows)
    assert worse >= 0.90, render_chances(rows)
    assert equal <= 0.10, render_chances(rows)
    assert min(binary, graded) >= 0.80, render_chances(rows)
