"""A stage of a target's pipeline, run once on one plan."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prompt_lab.config.lab import GatewayConfig, TargetConfig
from prompt_lab.names import Side
from prompt_lab.own_process import ModelUrl
from prompt_lab.ports.llm import Ask
from prompt_lab.ports.workspace import Workspace
from prompt_lab.step_results import ScoreResult, StepResult


@dataclass(frozen=True)
class StepJob:
    """What a step adapter is given for one run.

    A step in a process of its own uses `models` (the first is primary, the others are
    fallbacks) and `side`, which may have an interpreter of its own; one in ours uses `ask`.
    """

    worktree: Path
    plan_dir: Path
    out_dir: Path
    ask: Ask
    seed: int | None
    models: tuple[ModelUrl, ...] = ()
    side: Side | None = None
    limit_seconds: float | None = None
    """Instead of the step's own limit."""


class StepAdapter(Protocol):
    """One stage of a target's pipeline. `inputs` and `outputs` are file names in a plan folder.

    The class takes its config; one with `in_own_process` takes its TargetLocation too.
    """

    in_own_process: bool
    """Whether it runs in the target's own process, under the target's interpreter."""
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sources: tuple[str, ...]
    """Paths in the target whose content decides what the step sends: prompt first, then schema."""
    scoring_files: tuple[str, ...] | None
    """Names in a plan folder that score() is given and execute() is not; None: execute() is given
    its inputs alone."""

    def execute(self, job: StepJob) -> StepResult:
        """Run once. A bad answer is an `error`; a broken system raises TransientError."""

    def load(self, worktree: Path, side: Side) -> None:
        """Load what all runs in a worktree share, so that no run's time counts it.

        Raises TargetError where a run would.
        """

    def score(self, plan_dir: Path, out_dir: Path) -> dict[str, float]:
        """Named parts in [0, 1] from the outputs, against gold outputs where the plan has them."""

    def score_traced(self, plan_dir: Path, out_dir: Path) -> ScoreResult:
        """`score`, with the files outside that it read."""

    def check(self) -> None:
        """What can be known to be wrong before any worktree. Raises ConfigError or TargetError."""

    def check_gold(self, plan_dir: Path) -> None:
        """Raises the LabError of a plan whose gold cannot score an answer."""

    def find_prompt_fault(self, text: str) -> str | None:
        """Why a prompt would be sent without its input, as the end of a sentence, or None."""

    def describe_prompt(self, text: str) -> str:
        """Which placeholders a prompt has; '' where only its own code would show that."""

    def prompt_in(self, source: str) -> str | None:
        """The prompt's text in the text of `sources[0]`; None where only running it would tell."""

    def prompt_sha256(self, workspace: Workspace, commit: str, *, stored: bool = False) -> str:
        """Of the prompt as checked out (or `stored`) at a commit; '' if undeterminable."""

    def prompt_text(self, workspace: Workspace, commit: str) -> str:
        """The same prompt as text; '' if undeterminable."""

    def source_paths(self, worktree: Callable[[], Path]) -> tuple[str, ...]:
        """Every file that a run may load; `worktree` makes the checkout where that takes one."""

    def environment(self, worktree: Callable[[], Path], side: Side) -> dict[str, str]:
        """What a side runs with besides its files: {'': a text}, or {} where there is nothing."""

    def digest_text(
        self, target: TargetConfig, gateway: GatewayConfig, *, answer: bool = False
    ) -> str:
        """What decides a run besides the step's config; if `answer`, only its answer."""

    def close(self) -> None:
        """End worker processes. Further runs start them again."""
