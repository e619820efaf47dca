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
    reverted_after: int | None = Field(
        default=None, description="the newest iteration when it was taken back; None: it stands"
    )
    flags: tuple[str, ...] = Field(
        default=(), description="what its verdict said: why, failed guards, why taken back"
    )
    path: str = Field(default="", description="its verdict.json, relative to the lab")
    follow_up_of: int | None = None
    rank_score: float | None = Field(default=None, description="the direction's when it was chosen")


def standing(direction: Direction, tried: Sequence[Tried]) -> tuple[bool, str]:
    """(may be tried now, what was tried before in a sentence or ''). INVALID shows nothing.

    What was decided, or is being decided, comes back only with new evidence: the prompt has
    changed by a merge since, or the need is larger than it was.
    """
    same = [one for one in tried if _is_same(direction, one) and one.outcome is not Outcome.INVALID]
    invalid = [one for one in tried if _is_same(direction, one) and one.outcome is Outcome.INVALID]
    if not same:
        return True, _describe_attempt(invalid[-1]) + " It may be tried again." if invalid else ""
    last = max(same, key=lambda one: one.iteration)
    fresh = _new_evidence(direction, last, tried)
    return bool(fresh), f"{_describe_attempt(last)} {fresh or 'There is no new evidence for it.'}"


def _is_same(direction: Direction, one: Tried) -> bool:
    if direction.strategy:
        return direction.strategy == one.strategy
    return direction.title.casefold() == one.title.casefold()


def _describe_attempt(one: Tried) -> str:
    effect = f", effect {one.effect:+.3f}" if one.effect is not None else ""
    if one.outcome is None:
        return f"On trial in iteration {one.iteration}."
    back = ", taken back since" if one.reverted_after is not None else ""
    return f"Tried in iteration {one.iteration}: {one.outcome}{effect}{back}."


def _new_evidence(direction: Direction, last: Tried, tried: Sequence[Tried]) -> str:
    if last.outcome is None:
        return ""
    # A merge that was taken back again has left the prompt as it was.
    stands = [one for one in tried if one.merged and one.reverted_after is None]
    later = [one.iteration for one in stands if one.iteration > last.iteration]
    if later:
        return f"New evidence: the prompt has changed since, by iteration {later[-1]}."
    under = [one.iteration for one in tried if _taken_from_under(one, last)]
    if under:
        return f"New evidence: iteration {under[-1]}, which it stood on, was taken back since."
    if last.rank_score and direction.rank_score > MORE * last.rank_score:
        return (
            f"New evidence: the need is {direction.rank_score:.2f}, "
            f"it was {last.rank_score:.2f} then."
        )
    return ""


def _taken_from_under(one: Tried, last: Tried) -> bool:
    """Whether `one` was in the prompt that `last` was tried on, and is not any more."""
    after = one.reverted_after
    return after is not None and one.iteration < last.iteration <= after


def remembered(tried: Sequence[Tried]) -> tuple[str, ...]:
    """What was tried and what became of it, a line each, the newest first; with flags and path."""
    return tuple(
        f"{one.title}. {_describe_attempt(one)}"
        + (f" It follows up iteration {one.follow_up_of}." if one.follow_up_of else "")
        + (f" ({one.path})" if one.path else "")
        + (f" {' '.join(one.flags)}" if one.flags else "")
        for one in sorted(tried, key=lambda one: -one.iteration)
    )
