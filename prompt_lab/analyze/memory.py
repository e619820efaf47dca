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
    outcome: Outcome | None = Field(description="None until it has a verdict")
    effect: float | None = None
    merged: bool = False
    reverted_after: int | None = Field(
        default=None, description="the newest iteration when it was reverted; None if it was not"
    )
    flags: tuple[str, ...] = Field(
        default=(), description="what its verdict said: why, failed guards, why reverted"
    )
    path: str = Field(default="", description="its verdict.json, relative to the lab")
    follow_up_of: int | None = None
    rank_score: float | None = Field(default=None, description="the direction's when it was chosen")


def standing(direction: Direction, tried: Sequence[Tried]) -> tuple[bool, str]:
    """(may be tried now, a sentence about earlier attempts or '').

    INVALID attempts do not count. A direction with a verdict, or on trial, may be tried again only
    with new evidence: a merge has changed the prompt since, or the need has grown.
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
    back = ", reverted since" if one.reverted_after is not None else ""
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
        return f"New evidence: iteration {under[-1]}, on which it was based, was reverted since."
    if last.rank_score and direction.rank_score > MORE * last.rank_score:
        return (
            f"New evidence: the need is now {direction.rank_score:.2f}; "
            f"it was {last.rank_score:.2f}."
        )
    return ""


def _taken_from_under(one: Tried, last: Tried) -> bool:
    """Whether `one` was in the prompt that `last` was tried on, and is not any more."""
    after = one.reverted_after
    return after is not None and one.iteration < last.iteration <= after


def remembered(tried: Sequence[Tried]) -> tuple[str, ...]:
    """One line per attempt with its outcome and path, the newest first."""
    return tuple(
        f"{one.title}. {_describe_attempt(one)}"
        + (f" It follows up iteration {one.follow_up_of}." if one.follow_up_of else "")
        + (f" ({one.path})" if one.path else "")
        + (f" {' '.join(one.flags)}" if one.flags else "")
        for one in sorted(tried, key=lambda one: -one.iteration)
    )
