"""The dry run's table: chances of a YES per policy, and which policy it recommends."""

import pytest

from prompt_lab.decide.chances import (
    FEWEST_WORLDS,
    WORK,
    WORLDS,
    Chance,
    ChanceTable,
    count_chances,
    sentence,
    worlds_within,
)
from prompt_lab.decide.simulated import SimulatedLab
from prompt_lab.decide.verdict import chances_of_yes, recommend
from tests.prompt_lab.decide.policies import NAMES, shipped


def table(name: str, *, plans: int = 80, binary: bool = True, worlds: int = 300) -> ChanceTable:
    train = min(max(10, plans // 4), plans // 2)
    lab = SimulatedLab(binary=binary)
    effects = (0.05, 0.1, 0.2)
    return count_chances(shipped(name), lab, (train, plans - train), effects, seed=1, worlds=worlds)


def test_the_table_is_for_the_plans_models_and_scores_that_are_named() -> None:
    found = chances_of_yes(
        shipped("strict"), plans_train=20, plans_verify=60, models=2, binary=True,
        baseline_rate=0.5, effects=(0.2,), seed=1,
    )  # fmt: skip
    lab = SimulatedLab(binary=True, base=0.5, models=2)
    assert found == count_chances(shipped("strict"), lab, (20, 60), (0.2,), seed=1)
    assert found.rows[0].yes > 0.6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("binary", [True, False])
def test_a_table_of_a_large_lab_takes_no_more_work_than_two_seconds_allow(
    name: str, *, binary: bool
) -> None:
    """As measured, a second is about four million scores, steps of walks included."""
    policy, plans = shipped(name), (60, 1000)
    lab = SimulatedLab(binary=binary, models=7)
    worlds = worlds_within(WORK, policy, lab, plans, 4)
    replicates = policy.replicates_for(binary=binary, deterministic=False)
    scores = 60 * 7 + 1000 * 7 * replicates + 4 * 1060
    assert worlds == FEWEST_WORLDS or worlds * 4 * scores <= WORK
    assert worlds * 4 * scores <= 2 * WORK
    assert worlds_within(WORK, policy, SimulatedLab(), (20, 60), 4) == WORLDS


def test_more_models_than_seven_are_simulated_as_seven() -> None:
    many, seven = (
        chances_of_yes(
            shipped("strict"), plans_train=10, plans_verify=30, models=models, binary=True,
            baseline_rate=0.5, effects=(0.2,), seed=1,
        )
        for models in (40, 7)
    )  # fmt: skip
    assert many == seven


def test_equal_arguments_give_an_equal_table_and_more_plans_a_better_one() -> None:
    assert table("strict") == table("strict")
    few, many = table("strict"), table("strict", plans=200)
    assert [row.yes for row in few.rows] < [row.yes for row in many.rows]
    assert all(row.yes <= row.screened for row in few.rows)
    assert (few.replicates, table("no-harm").replicates) == (3, 2)
    assert table("strict", binary=False).replicates == 1


def test_twelve_plans_cannot_say_yes_and_the_table_says_so() -> None:
    found = table("strict", plans=12)
    assert not found.possible
    assert all(row.yes == 0 for row in found.rows)
    assert "takes at least 9" in sentence(found)
    assert "add plans first" in recommend([found]).reason


def made(name: str, yes: tuple[float, ...], verify: int = 60) -> ChanceTable:
    """A table with these chances at +5, +10 and +20 points."""
    rows = tuple(
        Chance(effect=effect, screened=1.0, yes=share, error=0.01)
        for effect, share in zip((0.05, 0.1, 0.2), yes, strict=True)
    )
    return ChanceTable(
        policy=name, alpha=0.002, replicates=1, plans_train=20, plans_verify=verify, needed=9,
        rows=rows,
    )  # fmt: skip


def test_the_policy_that_finds_the_smaller_gain_is_recommended() -> None:
    strict, harmless = made("strict", (0.0, 0.3, 0.9)), made("no-harm", (0.2, 0.7, 0.9))
    found = recommend([strict, harmless])
    assert found.policy == "no-harm"
    assert "10 points in 70%" in found.reason
    assert "strict 30%" in found.reason
    assert recommend([made("strict", (0.0, 0.6, 0.9)), harmless]).policy == "strict"


def test_where_no_policy_finds_a_gain_more_plans_are_recommended() -> None:
    few = made("strict", (0.0, 0.1, 0.3)), made("no-harm", (0.0, 0.2, 0.4))
    assert "more plans" in recommend(few).reason
    assert recommend([made("strict", (0, 0, 0), verify=5)]).policy == "strict"
    with pytest.raises(ValueError, match="one per policy"):
        recommend([])
