"""Rounds of the optimizer: promptops/rounds/<date>_<n>/, one file for each phase.

proposed.json, attempts.jsonl, tried.json and gated.json; a round without gated.json is open, and
the next command goes on with it.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from prompt_lab.clock import read_time
from prompt_lab.names import Outcome
from prompt_lab.promptops.idle import DayUse
from prompt_lab.promptops.records import Provenance
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import append_row, disk_errors, read_if_whole, read_rows
from prompt_lab.store.layout import Lab

PROPOSED, TRIED, GATED, ATTEMPTS = "proposed.json", "tried.json", "gated.json", "attempts.jsonl"
FIX = "Remove it; the same command makes it again"
_FOLDER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_([1-9][0-9]*)")
LONGEST_WAIT_HOURS = 24.0


class RoundCandidate(Record):
    """One variant of a round; `refused` holds the guard's codes, and such a one is never run."""

    branch: str
    sha256: str
    text: str
    provenance: Provenance
    refused: tuple[str, ...] = ()
    why: str = Field(default="", description="the guard's reasons in words")


class Proposed(Record):
    """proposed.json: what is weak, and what is tried against it."""

    version: int = VERSION
    when: str
    prompt_id: str
    task_class: str = ""
    weakness: str = Field(description="the figures that say so, with their interval")
    challenge_set: str = Field(description="version of the set that decides")
    step: str
    number: int = Field(description="the iteration; 0 where every candidate was refused")
    models: tuple[str, ...] = ()
    policy: str
    most_calls: int = 0
    most_usd: float = 0.0
    candidates: tuple[RoundCandidate, ...]

    @property
    def sound(self) -> tuple[RoundCandidate, ...]:
        """The candidates that the guard lets pass."""
        return tuple(one for one in self.candidates if not one.refused)


class TriedVariants(Record):
    """tried.json: what the trial said."""

    version: int = VERSION
    when: str
    outcome: Outcome | None = Field(description="None where every candidate was refused")
    verdict_id: str = ""
    candidate: str = Field(default="", description="sha256 of the one that was confirmed")
    text: str = Field(description="the reason of the verdict")
    effect: float | None = Field(default=None, description="on the train plans, in [-1, 1]")
    score: float | None = Field(default=None, description="of the candidate, mean over models")
    seconds_before: float | None = Field(default=None, description="median call of the baseline")
    seconds_after: float | None = Field(default=None, description="and of the candidate")
    plans: int = Field(default=0, description="sealed plans of the trial, at most")
    alpha: float = Field(default=0.0, description="the level granted to the trial")
    calls: int = 0
    usd: float = 0.0


class Gated(Record):
    """gated.json: what became of the round's best candidate."""

    version: int = VERSION
    when: str
    decision: Literal["canary", "promoted", "in review", "withdrawn"]
    codes: tuple[str, ...] = ()
    text: str


def rounds_folder(lab: Lab) -> Path:
    """Where the rounds are."""
    return lab.root / "promptops" / "rounds"


def list_rounds(lab: Lab) -> list[Path]:
    """The folders of all rounds, oldest first."""
    root = rounds_folder(lab)
    found = [path for path in root.iterdir() if _key(path)] if root.is_dir() else []
    return sorted(found, key=lambda path: _key(path) or ("", 0))


def find_open_round(lab: Lab) -> str:
    """The name of the round that is not finished; '' where there is none."""
    found = [path.name for path in list_rounds(lab) if not (path / GATED).exists()]
    return found[-1] if found else ""


def name_round(lab: Lab, date: str) -> str:
    """The name of the date's next round."""
    keys = [key for path in list_rounds(lab) if (key := _key(path))]
    return f"{date}_{max((number for day, number in keys if day == date), default=0) + 1}"


def use_of_day(lab: Lab, date: str) -> DayUse:
    """What the rounds of one day used; of one that is under way, what it may use at most."""
    total = DayUse()
    for folder in list_rounds(lab):
        if (_key(folder) or ("",))[0] != date:
            continue
        tried = read_if_whole(folder / TRIED, TriedVariants)
        proposed = read_if_whole(folder / PROPOSED, Proposed)
        calls, usd = 0, 0.0
        if tried is not None:
            calls, usd = tried.calls, tried.usd
        elif proposed is not None:
            calls, usd = proposed.most_calls, proposed.most_usd
        total = total.plus(DayUse(calls, usd, count_failures(folder)))
    return total


def proposals(lab: Lab, prompt_id: str) -> Iterator[Proposed]:
    """What earlier rounds proposed for a prompt, oldest first."""
    for folder in list_rounds(lab):
        found = read_if_whole(folder / PROPOSED, Proposed)
        if found is not None and found.prompt_id == prompt_id:
            yield found


def note_attempt(
    folder: Path, event: Literal["began", "stopped"], when: str, text: str = ""
) -> None:
    """Note that the trial began, or was stopped for a user or by the switch."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    append_row(folder / ATTEMPTS, {"event": event, "when": when, "text": text})


def count_failures(folder: Path) -> int:
    """Attempts of a round that ended by an error; the one that succeeded is none."""
    events = [row.get("event") for row in _attempts(folder)]
    is_done = (folder / TRIED).exists()
    return max(0, events.count("began") - events.count("stopped") - is_done)


def _attempts(folder: Path) -> list[dict[str, object]]:
    return [row for row in read_rows(folder / ATTEMPTS) if isinstance(row, dict)]


def why_backing_off(folder: Path, minutes: float, now: str) -> str:
    """Why a round whose trial has failed waits: twice as long after each failure; '' else.

    An attempt that was stopped on purpose is no failure.
    """
    failures = count_failures(folder)
    began = [str(row.get("when", "")) for row in _attempts(folder) if row.get("event") == "began"]
    if failures <= 0 or (folder / TRIED).exists():
        return ""
    longest = timedelta(hours=LONGEST_WAIT_HOURS)
    wait = min(timedelta(minutes=minutes) * 2 ** min(failures - 1, 20), longest)
    ready = read_time(began[-1]) + wait
    if read_time(now) >= ready:
        return ""
    return (
        f"round {folder.name}: its trial failed {failures} times in a row; the next attempt is at"
        f" {ready:%Y-%m-%d %H:%M} UTC"
    )


def _key(folder: Path) -> tuple[str, int] | None:
    found = _FOLDER.fullmatch(folder.name)
    return (found[1], int(found[2])) if found else None
