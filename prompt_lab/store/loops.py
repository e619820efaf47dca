"""Loops in the lab: which one is open, what it has made, why it stopped."""

from prompt_lab.decide.stop import LoopLimits, LoopStop
from prompt_lab.errors import StoreError
from prompt_lab.records import VERSION, Record
from prompt_lab.store.counters import numbered
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.layout import Lab

BEGUN, ENDED = "begun.json", "ended.json"


class LoopBegun(Record):
    """begun.json: a loop as far as it has come."""

    version: int = VERSION
    loop: int
    step: str
    created: str
    iterations: tuple[int, ...] = ()


class LoopEnded(Record):
    """ended.json: why a loop stopped; once it is there the loop is finished."""

    version: int = VERSION
    loop: int
    step: str
    stop: LoopStop
    limits: LoopLimits
    iterations: tuple[int, ...]
    cost_usd: float
    text: str
    """The text that the terminal showed."""
    when: str


def loops(lab: Lab) -> dict[int, str]:
    """Every loop that has a folder: number -> step."""
    return dict(numbered(lab.root / "loops"))


def open_loop(lab: Lab, step: str) -> int:
    """The step's loop that goes on, or the number of a new one."""
    known = loops(lab)
    for number, its_step in sorted(known.items()):
        if its_step == step and not (lab.loop(number, step) / ENDED).exists():
            return number
    return max(known, default=0) + 1


def read_begun(lab: Lab, number: int, step: str) -> LoopBegun | None:
    """A loop as far as it has come; None where it has not begun. Raises StoreError."""
    path = lab.loop(number, step) / BEGUN
    return read_record(path, LoopBegun) if path.exists() else None


def read_ended(lab: Lab, number: int, step: str) -> LoopEnded | None:
    """Why it stopped; None while it goes on, or where the file is damaged."""
    return read_if_whole(lab.loop(number, step) / ENDED, LoopEnded)


def check_loop(lab: Lab, number: int, step: str) -> None:
    """Raises StoreError for a number that skips some, another step's loop, or a damaged end."""
    known = loops(lab)
    following = max(known, default=0) + 1
    if known.get(number, step) != step:
        raise StoreError(f"{lab.root / 'loops'}: loop {number} is one of step {known[number]!r}.")
    end = lab.loop(number, step) / ENDED
    if end.exists():
        read_record(end, LoopEnded, fix="Restore it, or remove it: the loop then goes on")
    if number not in known and number != following:
        raise StoreError(
            f"{lab.root / 'loops'}: there is no loop {number}, and the next one is {following}. "
            "Leave --number out for that one."
        )
