"""The number of an iteration: which one is open, and which comes next."""

from prompt_lab.errors import StoreError
from prompt_lab.store.counters import iterations
from prompt_lab.store.iterations import is_open, is_ours, read_meta
from prompt_lab.store.layout import Lab


def resolve_number(lab: Lab, step: str, given: str) -> int:
    """The iteration that a command without --number means: the open one, else the next.

    An open one is taken up by a command that names no change, or names the same one.
    """
    known = iterations(lab)
    for number, its_step in known.items():
        folder = lab.iteration(number, its_step)
        if its_step != step or not is_open(folder):
            continue
        if not given or read_meta(lab, number, step).given == given:
            return number
    return max(known, default=0) + 1


def check_step(lab: Lab, number: int, step: str) -> None:
    """Raises StoreError if the number belongs to an iteration of another step."""
    other = iterations(lab).get(number, step)
    if other != step:
        raise StoreError(
            f"{lab.iteration(number, other)}: iteration {number} is one of step {other!r}, not "
            f"{step!r}. Name its step with --step, or leave --number out for the next one."
        )


def check_number(lab: Lab, number: int, step: str) -> None:
    """Raises StoreError for a number that skips some, or that another tool's iteration has."""
    known = iterations(lab)
    folder = lab.iteration(number, step)
    following = max(known, default=0) + 1
    if number not in known and not 1 <= number <= following:
        raise StoreError(
            f"{lab.analysis}: there is no iteration {number}, and the next one is {following}. "
            "Leave --number out for that one."
        )
    if number in known and not is_ours(folder) and any(folder.iterdir()):
        raise StoreError(
            f"{folder}: this iteration was made by another tool, and is only read. Leave --number "
            f"out for the next one ({following})."
        )
