"""Erase what was asked by one unit, or before a time: outcomes, rows of facts, plans made of them.

What stays is a row of lab/erased_traces.jsonl: which traces, when and why.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from prompt_lab.experiments.challenge_files import erase_noted
from prompt_lab.outcomes import CallOutcome
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.promptops.fact_rows import FOLDER, AsideRows, FactReader
from prompt_lab.promptops.facts import FEEDBACK, METRICS, TRACES
from prompt_lab.promptops.outcomes import ingest_facts, note_rewritten
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab

Belongs = Callable[[CallOutcome], bool]


class Erased(NamedTuple):
    """How much was erased."""

    outcomes: int
    rows: int
    plans: int


def erase_outcomes(
    lab: Lab, store: OutcomeStore, *, unit: str = "", before: str = "", reason: str, now: str
) -> Erased:
    """Erase the outcomes of a unit (as rows hold it), or those before a time, or both of a unit.

    The rows of the database go last, so that a command that was killed can be repeated. Raises
    StoreError, and ValueError where neither is named.
    """
    if not unit and not before:
        raise ValueError("erase_outcomes: name a unit or a time")
    ingest_facts(lab, store, now=now)

    def is_meant(one: CallOutcome) -> bool:
        return (not unit or one.unit == unit) and (not before or one.when < before)

    found = [one.trace for one in store.since("") if is_meant(one)]
    if not found:
        return Erased(0, 0, 0)
    plans = erase_noted(lab, sorted(found), reason=reason, when=now)
    traces = set(found)

    def belongs(one: CallOutcome) -> bool:
        return one.trace in traces or is_meant(one)

    rows = sum(_blank_rows(lab, name, belongs, now) for name in (METRICS, FEEDBACK, TRACES))
    return Erased(len(store.erase(unit=unit, before=before)), rows, len(plans))


def _blank_rows(lab: Lab, name: str, belongs: Belongs, now: str) -> int:
    """Overwrite the rows of these traces with spaces, in place: other programs may be appending."""
    path = lab.root / FOLDER / name
    if not path.exists():
        return 0
    with disk_errors(path):
        starts = _find_rows(path, name, belongs, now)
        with path.open("r+b") as file:
            for start in starts:
                file.seek(start)
                length = len(file.readline().rstrip(b"\n"))
                file.seek(start)
                file.write(b" " * length)
    if starts:
        note_rewritten(lab, name)
    return len(starts)


def _find_rows(path: Path, name: str, belongs: Belongs, now: str) -> list[int]:
    reader = FactReader(path, name, 0, now, AsideRows(path, keeps=False))
    return [reader.offset for outcome in reader if belongs(outcome)]
