"""Which files of a lab Prompt Lab writes: these, and no others, are committed to the lab."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from prompt_lab.store.counters import Claim, iterations, numbered
from prompt_lab.store.files import disk_errors, read_if_whole
from prompt_lab.store.given_up import GIVEN_UP
from prompt_lab.store.iterations import (
    FACTS,
    REVERTED,
    SUMMARY,
    VERDICT_ERROR,
    IterationMeta,
    is_ours,
)
from prompt_lab.store.layout import NO_ITERATION, Lab, LabLock
from prompt_lab.store.loops import BEGUN, ENDED
from prompt_lab.store.planexe.runs import run_folders
from prompt_lab.store.plans import TRACE_PREFIX
from prompt_lab.store.sent_messages import MESSAGES

_ITERATION = (
    *("meta.json", "prepared.json", "scout.json", "change.json", "batch_*.json", "judged_*.json"),
    *("runs_*.json", "synthesis.md", "assessment.md", "verdict.json", "verdict_error.txt"),
    *("sealed_verdict.json", "revealed.json", "race.json"),
    *("retest_*.json", "sealed_retest_*.json"),
    *(
        "since_start.json",
        FACTS,
        "conclusion.json",
        "report.html",
        GIVEN_UP,
        REVERTED,
        "agent_*.json",
        "agent_*.transcript.txt",
    ),
    SUMMARY,
    VERDICT_ERROR,
)
"""Patterns of an iteration's files. Those of its analysts have the analyst's name, see below."""
_RUN = ("meta.json", "events.jsonl", "outputs.jsonl", MESSAGES)
_ROOT = ("index.html", "irregular.md", "journal.jsonl")
_PROMPTS = ("current.json", "promotions.jsonl", "refusals.jsonl")
_PROMPT_FOLDERS = ("manifests/*.json", "versions/*.txt", "snapshots/*.json")
_HISTORY = ("reusable.jsonl", "judgements.jsonl")
_COMPARED = ("assessment.md", "insight_metrics.md")
_PULL = re.compile(r"[0-9]{4,}\.(json|html)")
_COMPARE = re.compile(r"[0-9-]+_[0-9-]+")


class LabFiles(NamedTuple):
    """Paths of files that Prompt Lab wrote, relative to the lab, with '/'."""

    current: tuple[str, ...]
    """Of one iteration, and those that all share: committed whenever they have changed."""
    earlier: tuple[str, ...]
    """Of all other commands that have ended: committed once. Later edits are the user's."""


def list_lab_files(lab: Lab, number: int = NO_ITERATION) -> LabFiles:
    """The files to commit with iteration `number`; NO_ITERATION: with a command that has none.

    A folder of another tool, and a file of the user beside ours, is in neither part. Raises
    StoreError where a folder cannot be read.
    """
    current, earlier = [*_shared_files(lab)], [*_measured_files(lab)]
    finished = {number}
    for its_number, step in iterations(lab).items():
        folder = lab.iteration(its_number, step)
        if its_number != number and not (folder / SUMMARY).exists():
            continue
        finished.add(its_number)
        (current if its_number == number else earlier).extend(_iteration_files(folder))
    for folder in run_folders(lab).values():
        claim = read_if_whole(folder / "meta.json", Claim)
        if claim is None or not claim.batch:
            continue
        if claim.iteration == NO_ITERATION:
            earlier += [] if _is_in_use(folder) else _run_files(folder)
        elif claim.iteration in finished:
            (current if claim.iteration == number else earlier).extend(_run_files(folder))
    return LabFiles(_relative_paths(lab, current), _relative_paths(lab, earlier))


def _shared_files(lab: Lab) -> Iterator[Path]:
    """Files that several iterations write."""
    known = iterations(lab)
    ours = {n: step for n, step in known.items() if is_ours(lab.iteration(n, step))}
    yield from (lab.root / name for name in _ROOT)
    yield from (lab.history / name for name in _HISTORY)
    yield from (lab.root / "prompts" / name for name in _PROMPTS)
    yield from _find_matching(lab.root / "challenge_sets", ("*.json",))
    for pattern in _PROMPT_FOLDERS:
        yield from sorted((lab.root / "prompts").glob(pattern))
    for step in sorted(set(ours.values())):
        yield from (lab.instructions(step), lab.front(step))
    for number, step in known.items():
        if number not in ours:
            yield lab.root / "pages" / f"{number}_{step}.html"
    yield from (path for path in _list_children(lab.pulls) if _PULL.fullmatch(path.name))
    for number, step in numbered(lab.root / "loops"):
        yield from (lab.loop(number, step) / name for name in (BEGUN, ENDED))


def _measured_files(lab: Lab) -> Iterator[Path]:
    """Noise floors with their batches, and comparisons of run folders."""
    for batches in _list_children(lab.noise_floor):
        if batches.is_dir():
            yield from _find_matching(batches, ("batch_*.json",))
            yield from (batches.with_name(f"{batches.name}{end}") for end in (".json", ".html"))
    for folder in _list_children(lab.root / "compare"):
        if _COMPARE.fullmatch(folder.name):
            yield from (folder / name for name in _COMPARED)


def _iteration_files(folder: Path) -> Iterator[Path]:
    if not is_ours(folder):
        return
    meta = read_if_whole(folder / "meta.json", IterationMeta)
    analysts = meta.analysts if meta is not None else ()
    texts = [f"{kind}_{name}.md" for kind in ("insight", "code") for name in analysts]
    yield from (folder / name for name in texts)
    yield from _find_matching(folder, _ITERATION)


def _run_files(folder: Path) -> Iterator[Path]:
    """The rows of a run folder, and all that its runs left in their plans' folders.

    Answers to plans that were built from traces quote what people wrote: they stay out of git.
    """
    yield from (folder / name for name in _RUN)
    outputs = folder / "outputs"
    for plan in _scan_folder(str(outputs)) if outputs.is_dir() else ():
        if plan.is_dir(follow_symlinks=False) and not plan.name.startswith(TRACE_PREFIX):
            yield from _walk_files(plan.path)


def _walk_files(folder: str) -> Iterator[Path]:
    for entry in _scan_folder(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)
        elif entry.name != ".git":
            yield from _walk_files(entry.path)


def _scan_folder(folder: str) -> list[os.DirEntry[str]]:
    with disk_errors(Path(folder)), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _find_matching(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for path in _list_children(folder):
        if any(fnmatchcase(path.name, pattern) for pattern in patterns):
            yield path


def _list_children(folder: Path) -> list[Path]:
    with disk_errors(folder):
        return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_in_use(folder: Path) -> bool:
    """Whether a runner is still writing there."""
    path = folder / ".lock"
    if not path.exists():
        return False
    lock = LabLock(path)
    free = lock.acquire(shared=True)
    lock.release()
    return not free


def _relative_paths(lab: Lab, paths: list[Path]) -> tuple[str, ...]:
    return tuple(lab.relative(path) for path in paths)
