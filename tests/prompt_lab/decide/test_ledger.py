from collections.abc import Collection

import numpy as np
import pytest

from prompt_lab.decide.ledger import Use, as_p_level, calibrated, grant, origin_due
from prompt_lab.decide.policy import LedgerRule, Policy
from prompt_lab.errors import LabError


def policy(control: str, iterations: int = 20) -> Policy:
    rule = {"control": control, "iterations": iterations}
    return Policy(mode="anytime", ledger=LedgerRule.model_validate(rule))


def trials(count: int, merged: Collection[int] = (), alpha: float = 0.01) -> list[Use]:
    return [
        Use(iteration=i, plan_set="train", alpha=alpha, merged=i in merged) for i in range(count)
    ]


def test_planned_trials_share_the_budget_and_then_it_is_used_up() -> None:
    rule = policy("planned", iterations=10)
    assert grant(trials(3, alpha=0.005), rule).alpha == pytest.approx(0.005)
    assert grant(trials(3, alpha=0.005), rule).left == 7
    last = grant(trials(10, alpha=0.005), rule)
    assert (last.alpha, last.left) == (0.0, 0)
    assert "used up" in last.text
    with pytest.raises(LabError, match="no more alpha"):
        rule.at_alpha(last.alpha)


def test_what_was_spent_is_never_granted_again() -> None:
    """Also where the policy changed on the way: the sum of all grants stays within the budget."""
    found = trials(2, alpha=0.01)
    while alpha := grant(found, policy("planned", iterations=8)).alpha:
        found += trials(1, alpha=alpha)
    assert len(found) == 8
    assert sum(use.alpha for use in found) == pytest.approx(0.05)
    assert grant(trials(1, alpha=0.06), policy("planned", iterations=8)).alpha == 0


def test_merges_earn_alpha_in_an_open_ended_ledger() -> None:
    rule = policy("elond")
    assert grant(trials(5, merged={1}), rule).alpha == pytest.approx(
        2 * grant(trials(5), rule).alpha
    )
    assert grant(trials(9), rule).alpha < grant(trials(5), rule).alpha


def test_fixed_alpha_says_the_false_merges_to_expect() -> None:
    seen = grant(trials(100), policy("fixed"))
    assert [seen.alpha, seen.expected_false] == pytest.approx([0.05, 1.0])


def test_readings_of_verify_and_of_the_first_baseline_cost_no_alpha() -> None:
    read = Use(iteration=2, plan_set="verify", kind="verify", alpha=0.0)
    origin = Use(iteration=2, plan_set="train", kind="origin", alpha=0.0)
    uses = [*trials(2), read, origin]
    assert grant(uses, policy("planned")) == grant(trials(2), policy("planned"))


def test_a_p_value_becomes_an_e_value_of_mean_at_most_one() -> None:
    edges = np.geomspace(1e-12, 1.0, 20_001)
    middles = np.sqrt(edges[1:] * edges[:-1])
    mean = sum(calibrated(p) * w for p, w in zip(middles, np.diff(edges), strict=True))
    assert mean <= 1.0 + 1e-3
    assert calibrated(as_p_level(0.01)) == pytest.approx(100, rel=1e-6)


def test_the_first_baseline_is_due_again_after_so_many_merges() -> None:
    uses = trials(6, merged={0, 2, 4})
    assert origin_due(uses, 3)
    assert not origin_due(uses, 4)
    assert not origin_due(uses, 0)
    assert not origin_due([*uses, Use(iteration=6, plan_set="t", kind="origin", alpha=0.0)], 3)
