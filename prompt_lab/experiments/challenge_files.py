"""A challenge set on disk: its record, and a folder for each plan under baseline/.

The plans hold what people wrote to the agent: git never sees them, only the record with its hashes.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from prompt_lab.evaluate.challenge_sets import ChallengeSet, digest_plan
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Split
from prompt_lab.store.files import append_row, disk_errors, read_record, write_record, write_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.run_journal import FOLDER as RUN_JOURNALS

ERASED = "erased_traces.jsonl"
"""In the lab: which traces were deleted, when and why; nothing of what they held."""


def read_set(lab: Lab, name: str) -> ChallengeSet:
    """The challenge set of a prompt; an empty one before the first plan. Raises StoreError."""
    path = _record(lab, name)
    if not path.exists():
        return ChallengeSet(name=name)
    return read_record(path, ChallengeSet, fix="restore it from the lab's git history")


def list_sets(lab: Lab) -> list[str]:
    """The names of all challenge sets."""
    return sorted(path.stem for path in (lab.root / "challenge_sets").glob("*.json"))


def grow_set(
    context: LabContext,
    name: str,
    contents: Mapping[str, Mapping[str, str]],
    facts: Mapping[str, tuple[str, str]],
    *,
    when: str,
) -> ChallengeSet:
    """Add plans (name -> file -> text, name -> (trace id, finding)); what is known is left out.

    The record is written last: a call that was killed is repeated.
    """
    before = read_set(context.lab, name)
    after = before.add(contents, facts, when=when)
    context.load_adapter("git", "exclude")(context.lab.root)
    for plan in after.plans:
        # A folder that is missing, as on a machine that keeps only what git has, is made again.
        folder = context.lab.plans(plan.split) / plan.name
        if plan.digest != digest_plan(contents.get(plan.name, {})) or folder.is_dir():
            continue
        for file, text in contents[plan.name].items():
            write_text(folder / file, text, durable=False)
    if after != before:
        write_record(_record(context.lab, name), after)
    return after


def list_present(lab: Lab, known: ChallengeSet, split: Split) -> list[str]:
    """The plans of one part whose folders are on this machine."""
    return [name for name in known.names(split) if (lab.plans(split) / name).is_dir()]


def erase_noted(lab: Lab, trace_ids: Sequence[str], *, reason: str, when: str) -> list[str]:
    """Note which traces are erased and why, then delete the plans made of them; their names.

    The caller deletes the traces themselves after it: a command that was killed is repeated.
    """
    append_row(lab.root / ERASED, {"when": when, "reason": reason, "trace_ids": list(trace_ids)})
    return erase_plans(lab, trace_ids, when=when)


def erase_plans(lab: Lab, trace_ids: Iterable[str], *, when: str) -> list[str]:
    """Delete the plans of erased traces and what models answered to them; their names.

    Each leaves a tombstone in its set. May be repeated. Raises StoreError.
    """
    ids, gone = tuple(trace_ids), list[str]()
    for name in list_sets(lab):
        before = read_set(lab, name)
        after = before.erase(ids, when=when)
        if after != before:
            write_record(_record(lab, name), after)
        for stone in after.tombstones:
            gone.append(stone.name)
            folders = [lab.plans(stone.split) / stone.name]
            folders += lab.history.glob(f"*/*/outputs/{stone.name}")
            for folder in folders:
                _remove(folder)
    if gone:
        _remove(lab.work / RUN_JOURNALS)  # of runs that a later boot would restore
    return gone


def _remove(folder: Path) -> None:
    with disk_errors(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


def _record(lab: Lab, name: str) -> Path:
    return lab.root / "challenge_sets" / f"{name}.json"
