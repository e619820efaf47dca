"""Which abilities are on for which task class: only where a trial of the lab said YES there.

A trial decides about an ability only if it was registered for it before it had a verdict.
"""

import re
from pathlib import Path
from typing import Literal, Self

from prompt_lab.decide.result import Verdict
from prompt_lab.errors import UsageError
from prompt_lab.names import Outcome
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import (
    create_record,
    disk_errors,
    read_if_whole,
    read_record,
    write_record,
)
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.layout import Lab

Ability = Literal["selector", "decomposition", "library"]

_VERDICT_ID = re.compile(r"[0-9]+_[A-Za-z0-9][A-Za-z0-9_.-]*")
_FIX = "Restore it from the lab's git history, or remove it: all abilities are off then"


class AbilityEntry(Record):
    """One ability that is on for one task class, with the trial that says so."""

    ability: Ability
    task_class: str
    verdict_id: str
    """Name of the iteration's folder in analysis/, as '12_multi_part'."""
    when: str
    """UTC, ISO 8601."""


class _AbilityFile(Record):
    version: int = VERSION
    entries: tuple[AbilityEntry, ...] = ()


class _AbilityTrial(Record):
    """promptops/ability_trials/<verdict id>.json: what a trial is about."""

    version: int = VERSION
    ability: Ability
    task_class: str


class AbilitySwitches:
    """The switches of a lab, promptops/abilities.json. Read once; `load` again to see changes."""

    def __init__(self, lab: Lab, entries: tuple[AbilityEntry, ...]) -> None:
        self._lab = lab
        self.entries = entries

    @classmethod
    def load(cls, lab: Lab) -> Self:
        """The switches that are on; none where the file is missing or damaged.

        An entry counts only while its verdict is there and says YES.
        """
        known = read_if_whole(_switches_path(lab), _AbilityFile) or _AbilityFile()
        return cls(lab, tuple(one for one in known.entries if not _why_refused(lab, one)))

    def is_on(self, ability: Ability, task_class: str) -> bool:
        """Whether a trial of the lab said YES to this ability in this task class."""
        return any(one.task_class == task_class for one in self.find_entries(ability))

    def find_entries(self, ability: Ability) -> tuple[AbilityEntry, ...]:
        """What is on of one ability, a task class each."""
        return tuple(one for one in self.entries if one.ability == ability)

    def turn_on(self, ability: Ability, task_class: str, verdict_id: str, now: str) -> Self:
        """The switches with this one on, which are written.

        Raises UsageError unless the verdict is a YES of a trial registered for this ability and
        class, StoreError where the file is damaged.
        """
        entry = AbilityEntry(
            ability=ability, task_class=task_class, verdict_id=verdict_id, when=now
        )
        if why := _why_refused(self._lab, entry):
            raise UsageError(
                f"{ability!r} stays off for the task class {task_class!r}: {why}. It takes a trial"
                " of the lab that says YES."
            )
        return self._replace(ability, task_class, (entry,))

    def turn_off(self, ability: Ability, task_class: str) -> Self:
        """The switches with this one off, which are written. Raises StoreError."""
        return self._replace(ability, task_class, ())

    def _replace(
        self, ability: Ability, task_class: str, entries: tuple[AbilityEntry, ...]
    ) -> Self:
        path = _switches_path(self._lab)
        known = read_record(path, _AbilityFile, fix=_FIX) if path.exists() else _AbilityFile()
        others = tuple(
            one for one in known.entries if (one.ability, one.task_class) != (ability, task_class)
        )
        write_record(path, _AbilityFile(entries=others + entries))
        return self.load(self._lab)


def register_ability_trial(lab: Lab, verdict_id: str, ability: Ability, task_class: str) -> None:
    """Write down, before a trial has a verdict, which ability it decides about in which class.

    Raises UsageError where it has a verdict already or was registered for something else.
    """
    if not _VERDICT_ID.fullmatch(verdict_id):
        raise UsageError(
            f"{verdict_id!r} is not the name of an iteration: give one like '12_multi_part'."
        )
    trial = _AbilityTrial(ability=ability, task_class=task_class)
    path = _trial_path(lab, verdict_id)
    known = read_if_whole(path, _AbilityTrial)
    if known == trial:
        return
    if (lab.analysis / verdict_id / "verdict.json").exists():
        raise UsageError(
            f"{verdict_id} has a verdict already, so that it cannot be chosen as the trial of"
            f" {ability!r}: begin another one."
        )
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if not create_record(path, trial):
        other = f"{known.ability!r} in {known.task_class!r}" if known else "something else"
        raise UsageError(f"{verdict_id} was registered for {other}: begin another trial.")


def find_ability_trials(lab: Lab, ability: Ability) -> tuple[tuple[str, str], ...]:
    """(verdict id, task class) of each trial registered for an ability, by iteration."""
    folder = _trial_path(lab, "").parent
    found = []
    for path in folder.glob("*.json") if folder.is_dir() else ():
        trial = read_if_whole(path, _AbilityTrial)
        if trial and trial.ability == ability and _VERDICT_ID.fullmatch(path.stem):
            found.append((path.stem, trial.task_class))
    return tuple(sorted(found, key=lambda one: (int(one[0].split("_")[0]), one[0])))


def _why_refused(lab: Lab, entry: AbilityEntry) -> str:
    """Why a verdict does not support an entry; '' where it does."""
    name = entry.verdict_id
    if not _VERDICT_ID.fullmatch(name):
        return f"{name!r} is not the name of an iteration"
    trial = read_if_whole(_trial_path(lab, name), _AbilityTrial)
    if trial is None or (trial.ability, trial.task_class) != (entry.ability, entry.task_class):
        return f"the trial {name} was not registered for it"
    folder = lab.analysis / name
    verdict = read_if_whole(folder / "verdict.json", Verdict)
    if verdict is None:
        return f"the trial {name} has no verdict"
    if is_given_up(folder):
        return f"the trial {name} was given up"
    if verdict.outcome is not Outcome.YES:
        return f"the verdict of {name} is {verdict.outcome.value}"
    return ""


def _switches_path(lab: Lab) -> Path:
    return lab.root / "promptops" / "abilities.json"


def _trial_path(lab: Lab, verdict_id: str) -> Path:
    return lab.root / "promptops" / "ability_trials" / f"{verdict_id}.json"
