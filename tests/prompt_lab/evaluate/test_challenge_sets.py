"""Challenge sets: additive, reproducible, with a part that is sealed by names alone."""

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.evaluate.challenge_sets import ChallengeSet, Tombstone, choose_split
from prompt_lab.names import Split

WHEN = "2026-02-01T00:00:00.000Z"


def fill(known: ChallengeSet, names: list[str]) -> ChallengeSet:
    contents = {name: {"a.turn.json": f"text of {name}"} for name in names}
    return known.add(contents, {name: (f"id-{name}", "") for name in names}, when=WHEN)


def test_later_plans_move_no_earlier_one_and_every_version_keeps_its_plans() -> None:
    first = fill(ChallengeSet(name="p"), [f"t{n}" for n in range(40)])
    second = fill(first, [f"t{n}" for n in range(30, 90)])
    assert second.plans[:40] == first.plans
    assert len(second.plans) == 90
    assert second.entries_of(first.version) == first.entries
    assert {first.version, second.version} == {one.version for one in second.versions}
    assert fill(second, ["t1"]) == second, "a plan that is known adds no version"


def test_equal_plans_give_an_equal_version_and_other_texts_another_one() -> None:
    names = ["a", "b", "c"]
    assert fill(ChallengeSet(name="p"), names).version == (
        fill(ChallengeSet(name="p"), names[::-1]).version
    )
    other = ChallengeSet(name="p").add(
        {name: {"a.turn.json": "another"} for name in names},
        {name: (f"id-{name}", "") for name in names},
        when=WHEN,
    )
    assert other.version != fill(ChallengeSet(name="p"), names).version


def test_about_a_quarter_is_train_and_the_seed_decides_which() -> None:
    names = [f"trace_{n}" for n in range(4000)]
    share = sum(choose_split(name, 1) is Split.TRAIN for name in names) / len(names)
    assert share == pytest.approx(0.25, abs=0.03)
    assert [choose_split(n, 1) for n in names] != [choose_split(n, 2) for n in names]


def test_an_erased_trace_leaves_a_tombstone_without_its_id_and_never_comes_back() -> None:
    known = fill(ChallengeSet(name="p"), ["a", "b"])
    gone = known.erase(["id-a", "id-unknown"], when=WHEN)
    assert [plan.name for plan in gone.plans] == ["b"]
    assert [stone.name for stone in gone.tombstones] == ["a"]
    assert "id-a" not in gone.model_dump_json()
    assert gone.version == known.version
    assert isinstance(gone.entries_of(known.version)[0], Tombstone)
    assert fill(gone, ["a"]) == gone
    assert ChallengeSet.model_validate_json(gone.model_dump_json()) == gone


def test_an_unknown_version_is_named_with_those_that_are_known() -> None:
    known = fill(ChallengeSet(name="p"), ["a"])
    with pytest.raises(StoreError, match=f"no version 'x'.*{known.version}"):
        known.entries_of("x")
