"""A data set given whole: how much of it is train, and that each group gives its share."""

from collections import Counter

import pytest

from prompt_lab.names import Split
from prompt_lab.store.plan_sample import FEWEST_TRAIN, sample_plans, split_plans, train_size


@pytest.mark.parametrize("plans", [1, 2, 9, 19, 20, 21, 39, 41, 80, 168, 1001])
def test_a_quarter_is_train_at_least_ten_and_at_least_half_stays_verify(plans: int) -> None:
    size = train_size(plans)
    assert size <= plans / 2
    assert size >= min(FEWEST_TRAIN, plans // 2)
    assert size == round(plans / 4) or size in (FEWEST_TRAIN, plans // 2)


def test_each_group_gives_train_its_share_and_the_seed_decides_which() -> None:
    strata = {f"plan {n}": "hard" if n % 5 == 0 else "easy" for n in range(100)}
    first, again, other = (split_plans(strata, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert Counter(strata[name] for name in first[Split.TRAIN]) == {"easy": 20, "hard": 5}
    assert sorted(first[Split.TRAIN] + first[Split.VERIFY]) == sorted(strata)


def test_remainders_are_given_to_whole_plans() -> None:
    strata = {f"{group}{n}": group for group in "abcdefg" for n in range(3)}
    found = split_plans(strata, 3)
    assert len(found[Split.TRAIN]) == train_size(21) == 10
    assert set(Counter(strata[name] for name in found[Split.TRAIN]).values()) == {1, 2}


def test_a_sample_keeps_the_plans_that_it_had_when_others_are_added() -> None:
    few = [f"p{n}" for n in range(30)]
    sample = sample_plans(few, 10, 0)
    assert len(sample) == 10
    assert sample == [name for name in few if name in sample] != few[:10]
    assert sample_plans(few, 10, 1) != sample
    more = sample_plans([*few, *(f"q{n}" for n in range(30))], 60, 0)
    assert set(sample) < set(more)
