from collections.abc import Collection

import numpy as np
import pytest

from prompt_lab.decide.ledger import Use, as_p_level, calibrated, grant, origin_due, uses_of
from prompt_lab.decide.policy import LedgerRule, Policy
from prompt_lab.errors import LabError


def policy(control: str, iterations: int = 20) -> Policy:
    rule = {"control": control, "iterations": iterations}
    return Policy(mode="anytime", ledger=LedgerRule.model_validate(rule))


def trials(count: int, merged: Collection[int] = ()) -> list[Use]:
    return [
        Use(iteration=i, plan_set="train", alpha=0.01, merged=i in merged) for i in range(count)
    ]


def test_planned_trials_share_the_budget_and_then_it_is_used_up() -> None:
    rule = policy("planned", iterations=10)
    assert grant(trials(3), rule).alpha == pytest.approx(0.005)
    assert grant(trials(3), rule).left == 7
    last = grant(trials(10), rule)
    assert (last.alpha, last.left) == (0.0, 0)
    assert "used up" in last.text
    with pytest.raises(LabError, match="no more alpha"):
        rule.granted(last.alpha)


def test_merges_earn_alpha_in_an_open_ended_ledger() -> None:
    rule = policy("elond")
    assert grant(trials(5, merged={1}), rule).alpha == pytest.approx(
        2 * grant(trials(5), rule).alpha
    )
    assert grant(trials(9), rule).alpha < grant(trials(5), rule).alpha


def test_fixed_alpha_says_the_false_merges_to_expect() -> None:
    seen = grant(trials(100), policy("fixed"))
    assert [seen.alpha, seen.expected_false] == pytest.approx([0.05, 1.0])


def test_readings_of_verify_are_counted_and_cost_no_alpha() -> None:
    uses = [*trials(2), Use(iteration=2, plan_set="verify", kind="verify", alpha=0.0)]
    assert uses_of(uses) == {"train": {"trial": 2}, "verify": {"verify": 1}}
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
