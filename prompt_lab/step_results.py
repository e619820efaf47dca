"""What a step adapter hands back after an execution and after a score."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from prompt_lab.own_process import ProcessFacts
from prompt_lab.records import RunError


@dataclass(frozen=True)
class StepResult:
    """What one execution used and how it ended; the outputs are files in `out_dir`."""

    files: Mapping[str, str]
    prompt_sha256: str
    request_sha256: str
    error: RunError | None
    process: ProcessFacts | None = None
    plan_read: tuple[str, ...] | None = ()
    """Files of the plan folder that were read, beside `inputs`; None: any that it was given."""
    prompt: str | None = None
    """What a step in a process of its own says that it sent, if it says so."""
    outside: Mapping[str, str] = field(default_factory=dict)
    """File outside plan, outputs, worktree, interpreter and system that was read -> sha256."""


class ScoreResult(NamedTuple):
    """The parts of a score, and the files outside that score() read, as in StepResult."""

    parts: dict[str, float]
    outside: dict[str, str]


class AnswerScorer(Protocol):
    """A user's function that scores one answer; equal arguments give equal parts."""

    def __call__(
        self, gold: dict[str, Any] | str | None, answer: dict[str, Any] | str, /
    ) -> dict[str, float]:
        """Named parts in [0, 1]. Gold may be None; a missing answer is empty."""
