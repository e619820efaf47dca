"""Switches of abilities: on only by a YES of a trial that was registered for exactly that."""

from pathlib import Path
from typing import get_args

import pytest

from prompt_lab.errors import StoreError, UsageError
from prompt_lab.names import Outcome
from prompt_lab.promptops.abilities import (
    Ability,
    AbilitySwitches,
    find_ability_trials,
    register_ability_trial,
)
from prompt_lab.promptops.split_query import plan_query
from prompt_lab.store.layout import Lab
from tests.prompt_lab.decide.making import verdict_of

NOW = "2026-03-01T00:00:00.000Z"


def register(lab: Lab, name: str, ability: Ability = "decomposition") -> Path:
    register_ability_trial(lab, name, ability, "multi_part")
    folder = lab.analysis / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def conclude(folder: Path, outcome: Outcome) -> None:
    verdict = verdict_of(outcome)
    (folder / "verdict.json").write_text(verdict.model_dump_json(), encoding="utf-8")


@pytest.mark.parametrize("ability", get_args(Ability))
def test_every_ability_is_off_until_a_trial_says_yes(tmp_path: Path, ability: Ability) -> None:
    lab = Lab(tmp_path)
    assert not AbilitySwitches.load(lab).is_on(ability, "multi_part")
    conclude(register(lab, "3_split", ability), Outcome.YES)
    switches = AbilitySwitches.load(lab).turn_on(ability, "multi_part", "3_split", NOW)
    assert switches.is_on(ability, "multi_part")
    again = AbilitySwitches.load(lab)
    assert [one.verdict_id for one in again.entries] == ["3_split"]
    assert not again.is_on(ability, "quick")
    others = set(get_args(Ability)) - {ability}
    assert not any(again.is_on(other, "multi_part") for other in others)
    assert not again.turn_off(ability, "multi_part").is_on(ability, "multi_part")


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.YES])
def test_anything_but_a_yes_leaves_it_off(tmp_path: Path, outcome: Outcome) -> None:
    lab = Lab(tmp_path)
    conclude(register(lab, "3_split"), outcome)
    with pytest.raises(UsageError, match=f"the verdict of 3_split is {outcome.value}"):
        AbilitySwitches.load(lab).turn_on("decomposition", "multi_part", "3_split", NOW)
    assert AbilitySwitches.load(lab).entries == ()


def test_a_yes_of_another_trial_turns_nothing_on(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    conclude(register(lab, "3_split", "selector"), Outcome.YES)
    folder = lab.analysis / "4_triage"
    folder.mkdir()
    conclude(folder, Outcome.YES)
    switches = AbilitySwitches.load(lab)
    for name in ("3_split", "4_triage", "5_none", "../3_split"):
        with pytest.raises(UsageError):
            switches.turn_on("decomposition", "multi_part", name, NOW)


def test_a_trial_with_a_verdict_cannot_be_chosen_afterwards(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    folder = lab.analysis / "4_triage"
    folder.mkdir(parents=True)
    conclude(folder, Outcome.YES)
    with pytest.raises(UsageError, match="has a verdict already"):
        register_ability_trial(lab, "4_triage", "library", "multi_part")
    register(lab, "5_split")
    with pytest.raises(UsageError, match="was registered for 'decomposition'"):
        register_ability_trial(lab, "5_split", "library", "multi_part")
    assert find_ability_trials(lab, "decomposition") == (("5_split", "multi_part"),)


def test_a_switch_goes_off_with_its_verdict(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    folder = register(lab, "3_split")
    conclude(folder, Outcome.YES)
    AbilitySwitches.load(lab).turn_on("decomposition", "multi_part", "3_split", NOW)
    (folder / "given_up.json").write_text("{}", encoding="utf-8")
    assert not AbilitySwitches.load(lab).is_on("decomposition", "multi_part")


def test_a_damaged_file_switches_all_off_and_is_kept(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    conclude(register(lab, "3_split"), Outcome.YES)
    path = tmp_path / "promptops" / "abilities.json"
    path.write_text("{torn", encoding="utf-8")
    switches = AbilitySwitches.load(lab)
    assert not switches.is_on("decomposition", "multi_part")
    with pytest.raises(StoreError, match=r"abilities\.json.*Restore it"):
        switches.turn_on("decomposition", "multi_part", "3_split", NOW)
    assert path.read_text(encoding="utf-8") == "{torn"


def test_a_query_is_split_only_in_the_task_class_of_the_yes(tmp_path: Path) -> None:
    lab, query = Lab(tmp_path), "Where is Oslo? Where is Lima?"
    off = plan_query(AbilitySwitches.load(lab), "multi_part", query)
    assert (off.split, off.reason, off.nodes[0].text) == (False, "ability_off", query)
    conclude(register(lab, "3_split"), Outcome.YES)
    on = AbilitySwitches.load(lab).turn_on("decomposition", "multi_part", "3_split", NOW)
    assert plan_query(on, "multi_part", query).split
    assert not plan_query(on, "quick", query).split
