"""How worn a challenge set is, whether the prompt leaks into it, and its rotation.

Each confirmation on the same sealed plans makes them less informative: candidates are chosen by
what passed on them. A worn set is rotated: its used plans retire and fresh ones take their place,
but for linking plans, which are asked in both rounds and show whether the new round is harder.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import Field

from prompt_lab.analyze.words import tokens, weight
from prompt_lab.errors import StoreError
from prompt_lab.experiments.challenge_files import list_present
from prompt_lab.names import Split
from prompt_lab.promptops.challenge import read_challenge_set, read_questions
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import append_row, disk_errors, read_record, read_rows, write_record
from prompt_lab.store.layout import Lab

MOST_CONFIRMATIONS: Final = 8
"""Confirmations on the same sealed plans, after which a set is worn."""
LEAKING_OVERLAP: Final = 0.5
"""Share of a question's word sequences that its prompt may hold."""
LINKING_SHARE: Final = 0.2
LEAST_FRESH: Final = 20
"""Sealed plans that were never used, without which a set is not rotated."""
GRAM: Final = 4


class Rotation(Record):
    """One rotation: the plans that retired and those that link both rounds."""

    when: str
    retired: tuple[str, ...]
    linking: tuple[str, ...]


class RotationLog(Record):
    """promptops/challenge/<prompt id>.json."""

    version: int = VERSION
    prompt_id: str
    rotations: tuple[Rotation, ...] = Field(default=(), description="oldest first")


class SetWear(NamedTuple):
    """The meter of one set.

    `confirmations` is how often the most used active sealed plan decided; `overlap` the largest
    share of an active question that the prompt quotes, `leaking` the plans above the limit.
    `reasons`: codes 'worn', 'leak', 'empty'; () where the set may be used.
    """

    plans: int
    sealed: int
    fresh: int
    confirmations: int
    overlap: float
    leaking: tuple[str, ...]
    reasons: tuple[str, ...]


def note_confirmation(
    lab: Lab, prompt_id: str, trial: str, plans: Iterable[str], *, when: str
) -> None:
    """Record that a trial has decided on these sealed plans. May be repeated for one trial."""
    path = _uses(lab, prompt_id)
    if any(row.get("trial") == trial for row in read_rows(path)):
        return
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    append_row(path, {"trial": trial, "when": when, "plans": sorted(plans)})


def list_active(lab: Lab, prompt_id: str, split: Split) -> list[str]:
    """The plans of one part that are on this machine and have not retired."""
    retired = _retired(read_rotations(lab, prompt_id))
    known = read_challenge_set(lab, prompt_id)
    return [name for name in list_present(lab, known, split) if name not in retired]


def read_rotations(lab: Lab, prompt_id: str) -> RotationLog:
    """The rotations of a set so far. Raises StoreError."""
    path = _rotations(lab, prompt_id)
    if not path.exists():
        return RotationLog(prompt_id=prompt_id)
    return read_record(path, RotationLog, fix="restore it from the lab's git history")


def measure_wear(lab: Lab, prompt_id: str, prompt_text: str) -> SetWear:
    """Wear and leak of the active part of a prompt's set. Raises StoreError."""
    known = read_challenge_set(lab, prompt_id)
    retired = _retired(read_rotations(lab, prompt_id))
    sealed = [name for name in known.names(Split.VERIFY) if name not in retired]
    uses = _count_uses(lab, prompt_id)
    overlaps = {
        name: measure_overlap(prompt_text, question)
        for name, question in read_questions(lab, known, prompt_id).items()
        if name not in retired
    }
    leaking = tuple(sorted(name for name, share in overlaps.items() if share > LEAKING_OVERLAP))
    confirmations = max((uses.get(name, 0) for name in sealed), default=0)
    codes = {
        "empty": not sealed,
        "worn": confirmations >= MOST_CONFIRMATIONS,
        "leak": bool(leaking),
    }
    return SetWear(
        plans=len(known.plans),
        sealed=len(sealed),
        fresh=sum(name not in uses for name in sealed),
        confirmations=confirmations,
        overlap=max(overlaps.values(), default=0.0),
        leaking=leaking,
        reasons=tuple(code for code, holds in codes.items() if holds),
    )


def rotate_set(lab: Lab, prompt_id: str, *, when: str) -> Rotation:
    """Make train plans of the used sealed ones, but for a fifth, which links both rounds.

    Raises StoreError where too few sealed plans were never used.
    """
    log = read_rotations(lab, prompt_id)
    active = list_active(lab, prompt_id, Split.VERIFY)
    uses = _count_uses(lab, prompt_id)
    used = sorted((name for name in active if name in uses), key=_draw)
    fresh = len(active) - len(used)
    if not used or fresh < LEAST_FRESH:
        raise StoreError(
            f"{prompt_id!r}: {fresh} sealed plans were never used, and a rotation needs "
            f"{LEAST_FRESH} and at least one used plan. Grow the set first: `prompt-lab promptops "
            "grow`."
        )
    linking = used[: max(1, round(LINKING_SHARE * len(used)))]
    rotation = Rotation(
        when=when,
        retired=tuple(sorted(set(used) - set(linking))),
        linking=tuple(sorted(linking)),
    )
    rotations = (*log.rotations, rotation)
    write_record(_rotations(lab, prompt_id), log.model_copy(update={"rotations": rotations}))
    move_retired(lab, prompt_id)
    return rotation


def move_retired(lab: Lab, prompt_id: str) -> None:
    """Retired sealed plans become train plans, so that no trial decides on them. May be repeated.

    Raises StoreError.
    """
    for name in sorted(_retired(read_rotations(lab, prompt_id))):
        folder, goal = lab.plans(Split.VERIFY) / name, lab.plans(Split.TRAIN) / name
        with disk_errors(folder):
            if folder.is_dir() and not goal.exists():
                goal.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(goal)


def compare_rounds(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """How much higher the same text scores on the new round's plans than on the old one's.

    Both are plan -> score of one prompt text; what its scores on the linking plans changed by, from
    one round to the other, is taken off. None without a linking plan in both, or other plans.
    """
    linking = before.keys() & after.keys()
    old = [value for name, value in before.items() if name not in linking]
    new = [value for name, value in after.items() if name not in linking]
    if not linking or not old or not new:
        return None
    drift = sum(after[name] - before[name] for name in linking) / len(linking)
    return sum(new) / len(new) - sum(old) / len(old) - drift


def measure_overlap(prompt: str, question: str) -> float:
    """Share of the question's sequences of four words that the prompt holds; in any language.

    >>> measure_overlap("Ask: who owns lot seven in Lyon?", "Who owns lot seven in Lyon today?")
    0.75
    """
    words = tokens(question)
    size = GRAM if weight(words) * 1.5 > len(words) else 2 * GRAM
    size = min(size, len(words))
    if not size:
        return 0.0
    there = _grams(tokens(prompt), size)
    grams = [words[at : at + size] for at in range(len(words) - size + 1)]
    return sum(gram in there for gram in grams) / len(grams)


def _grams(words: tuple[str, ...], size: int) -> set[tuple[str, ...]]:
    return {words[at : at + size] for at in range(len(words) - size + 1)}


def _count_uses(lab: Lab, prompt_id: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in read_rows(_uses(lab, prompt_id)):
        for name in row.get("plans", ()):
            found[str(name)] = found.get(str(name), 0) + 1
    return found


def _retired(log: RotationLog) -> frozenset[str]:
    return frozenset(name for one in log.rotations for name in one.retired)


def _draw(name: str) -> str:
    return sha256(f"linking\n{name}".encode()).hexdigest()


def _uses(lab: Lab, prompt_id: str) -> Path:
    return lab.root / "promptops" / "challenge" / f"{prompt_id}.uses.jsonl"


def _rotations(lab: Lab, prompt_id: str) -> Path:
    return lab.root / "promptops" / "challenge" / f"{prompt_id}.json"
