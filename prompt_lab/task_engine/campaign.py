"""When a campaign ends, and what it says then."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.task_engine.record import AttemptRecord, AttemptStatus
from prompt_lab.task_engine.schema import Task

CRASHES = 3
"""Crashes one after the other, upon which there is no sense in going on."""

Why = Literal["goal", "iterations", "seconds", "money", "crashes"]


class CampaignProgress(BaseModel):
    """How far a campaign has come: the numbers of its attempts, the last perhaps not over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    started: str
    attempts: tuple[int, ...]


class CampaignResult(BaseModel):
    """A campaign that is over: the one JSON line that it prints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    kind: Literal["campaign"] = "campaign"
    task_id: str
    why: Why = Field(description="what ended it")
    attempts: tuple[int, ...] = Field(description="numbers of its attempts, oldest first")
    kept: tuple[int, ...] = Field(description="those of them that were kept")
    crashed: tuple[int, ...] = Field(default=(), description="those that ended in a crash")
    reasons: dict[str, int] = Field(default={}, description="how many ended for which reason")
    first_score: float | None = Field(description="of the first baseline")
    last_score: float | None = Field(description="of the last keep, else of the last baseline")
    seconds: float = Field(description="wall time since it began")
    cost_usd: float = Field(description="as mutator and scorer tell it")


def end_of(
    task: Task, done: Sequence[AttemptRecord], seconds: float, iterations: int = 0
) -> CampaignResult | None:
    """How the campaign ends with these attempts, oldest first; None where it goes on.

    `iterations` replaces the task's own budget where it is not 0.
    """
    spent = sum(record.cost_usd for record in done)
    score = _score(done)
    why = _stop_reason(task, done, seconds, iterations or task.budget.iterations)
    if why is None and _reached(task, score):
        why = "goal"
    if why is None and task.budget.usd is not None and spent >= task.budget.usd:
        why = "money"
    if why is None:
        return None
    baselines = [r.baseline_score for r in done if r.baseline_score is not None]
    return CampaignResult(
        task_id=task.id,
        why="goal" if _reached(task, score) else why,
        attempts=tuple(record.attempt for record in done),
        kept=tuple(record.attempt for record in done if record.status is AttemptStatus.KEEP),
        crashed=tuple(record.attempt for record in done if record.status is AttemptStatus.CRASH),
        reasons=dict(Counter(record.reason.value for record in done)),
        first_score=baselines[0] if baselines else None,
        last_score=score,
        seconds=round(seconds, 3),
        cost_usd=spent,
    )


def _stop_reason(
    task: Task, done: Sequence[AttemptRecord], seconds: float, most: int
) -> Why | None:
    if len(done) >= most:
        return "iterations"
    if seconds >= task.budget.seconds:
        return "seconds"
    if len(done) >= CRASHES and all(r.status is AttemptStatus.CRASH for r in done[-CRASHES:]):
        return "crashes"
    return None


def _score(done: Sequence[AttemptRecord]) -> float | None:
    """What the workspace scores after the attempts, as far as is known."""
    for record in reversed(done):
        if record.status is AttemptStatus.KEEP:
            return record.candidate_score
        if record.baseline_score is not None:
            return record.baseline_score
    return None


def _reached(task: Task, score: float | None) -> bool:
    goal = task.objective.goal
    if goal is None or score is None:
        return False
    return score >= goal if task.objective.direction == "maximize" else score <= goal
