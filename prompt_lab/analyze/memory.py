"""What was tried before, and whether a direction may be tried again."""

from collections.abc import Sequence

from pydantic import Field

from prompt_lab.names import Outcome
from prompt_lab.records import Direction, Record

MORE = 1.25
"""A need this many times larger than when the direction was tried is new evidence."""


class Tried(Record):
    """One direction as an iteration carried it out."""

    iteration: int
    strategy: str
    title: str = Field(description="the direction's")
    outcome: Outcome | None = Field(description="None while its verdict is not in")
    effect: float | None = None
    merged: bool = False
    rank_score: float | None = Field(default=None, description="the direction's when it was chosen")


def standing(direction: Direction, tried: Sequence[Tried]) -> tuple[bool, str]:
    """(may be tried now, what was tried before in a sentence or ''). INVALID shows nothing.

    What was decided, or is being decided, comes back only with new evidence: the prompt has
    changed by a merge since, or the need is larger than it was.
    """
    same = [one for one in tried if _is_same(direction, one) and one.outcome is not Outcome.INVALID]
    invalid = [one for one in tried if _is_same(direction, one) and one.outcome is Outcome.INVALID]
    if not same:
        return True, _told(invalid[-1]) + " It may be tried again." if invalid else ""
    last = max(same, key=lambda one: one.iteration)
    fresh = _new_evidence(direction, last, tried)
    return bool(fresh), f"{_told(last)} {fresh or 'There is no new evidence for it.'}"


def _is_same(direction: Direction, one: Tried) -> bool:
    if direction.strategy:
        return direction.strategy == one.strategy
    return direction.title.casefold() == one.title.casefold()


def _told(one: Tried) -> str:
    effect = f", effect {one.effect:+.3f}" if one.effect is not None else ""
    if one.outcome is None:
        return f"On trial in iteration {one.iteration}."
    return f"Tried in iteration {one.iteration}: {one.outcome}{effect}."


def _new_evidence(direction: Direction, last: Tried, tried: Sequence[Tried]) -> str:
    if last.outcome is None:
        return ""
    later = [one.iteration for one in tried if one.merged and one.iteration > last.iteration]
    if later:
        return f"New evidence: the prompt has changed since, by iteration {later[-1]}."
    if last.rank_score and direction.rank_score > MORE * last.rank_score:
        return (
            f"New evidence: the need is {direction.rank_score:.2f}, "
            f"it was {last.rank_score:.2f} then."
        )
    return ""
