"""When a loop over iterations stops: one decision, with its reason code and a sentence."""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.names import Outcome


class StopCode(StrEnum):
    """Why a loop stopped."""

    ITERATIONS = "iterations"  # as many as were asked for are made
    BUDGET = "budget"  # the next one could take more money than is left
    TARGET_SCORE = "target_score"  # main has reached the score
    NO_YES = "no_yes"  # so many in a row without a YES
    NO_DIRECTION = "no_direction"  # Synthesis and strategies have nothing left to try
    NO_ALPHA = "no_alpha"  # the budget of error is used up: no trial could say YES


class _StopModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LoopLimits(_StopModel):
    """What a loop may do at most. None: no such limit."""

    iterations: int = Field(ge=1)
    budget_usd: float | None = Field(default=None, ge=0, description="US dollars")
    target_score: float | None = Field(default=None, ge=0, le=1)
    without_yes: int | None = Field(default=None, ge=1, description="iterations in a row")


class Done(_StopModel):
    """One finished iteration of a loop. Scores are means over the plans that it looked at."""

    iteration: int
    outcome: Outcome | None
    merged: bool
    cost_usd: float
    baseline: float | None = None
    candidate: float | None = None

    @property
    def main_score(self) -> float | None:
        """What main scores after it."""
        return self.candidate if self.merged else self.baseline


class LoopStop(_StopModel):
    """The reason code and one plain sentence with its numbers."""

    code: StopCode
    text: str


def stop(
    limits: LoopLimits, done: Sequence[Done], *, next_cost: float | None = None
) -> LoopStop | None:
    """Why the loop ends here, or None where it goes on.

    `next_cost` is what the next iteration may take at most; None where that is not known yet.
    """
    score = main_score(done)
    if limits.target_score is not None and score is not None and score >= limits.target_score:
        text = f"Main scores {score:.2f}, and {limits.target_score:.2f} was asked for."
        return LoopStop(code=StopCode.TARGET_SCORE, text=text)
    if len(done) >= limits.iterations:
        return LoopStop(
            code=StopCode.ITERATIONS, text=f"All {_iterations(limits.iterations)} made."
        )
    dry = without_yes(done)
    if limits.without_yes is not None and dry >= limits.without_yes:
        text = f"{_iterations(dry)} in a row without a YES."
        return LoopStop(code=StopCode.NO_YES, text=text[:1].upper() + text[1:])
    return _beyond_budget(limits, total_cost_usd(done), next_cost)


def total_cost_usd(done: Sequence[Done]) -> float:
    """US dollars of all iterations together."""
    return sum(one.cost_usd for one in done)


def main_score(done: Sequence[Done]) -> float | None:
    """Main's score as it was measured last."""
    return next((one.main_score for one in reversed(done) if one.main_score is not None), None)


def without_yes(done: Sequence[Done]) -> int:
    """How many iterations there were since the last YES."""
    count = 0
    for one in reversed(done):
        if one.outcome is Outcome.YES:
            break
        count += 1
    return count


def _beyond_budget(limits: LoopLimits, gone: float, next_cost: float | None) -> LoopStop | None:
    most = limits.budget_usd
    if most is None or (gone + (next_cost or 0.0) <= most and not gone >= most > 0):
        return None
    ahead = f", and the next iteration can take ${next_cost:.2f}" if next_cost else ""
    return LoopStop(code=StopCode.BUDGET, text=f"${gone:.2f} of ${most:.2f} is spent{ahead}.")


def _iterations(count: int) -> str:
    return f"{count} iteration" + ("" if count == 1 else "s")
