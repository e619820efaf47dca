"""What the rules need of an agent, and of the copy that it works on. Adapters implement these."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from prompt_lab.propose.budget import ChangedFile


class Ending(StrEnum):
    """How an agent's work ended."""

    DONE = "done"
    FAILED = "failed"  # it ended without having done its work
    TIME = "time"  # it was ended at its time limit, with all that it had started
    COST = "cost"  # it was ended, or has ended, above its cost limit
    OUTPUT = "output"  # it printed more than is kept
    MEMORY = "memory"  # its processes took more memory than they may have
    PROCESSES = "processes"  # it started more than it may


@dataclass(frozen=True)
class AgentJob:
    """One task. `folder` is a private copy of the target, `home` an empty folder beside it.

    `hidden` are folders and files that must not be readable. `writes` False: the copy is read-only.
    """

    prompt: str
    folder: Path
    home: Path
    hidden: tuple[Path, ...]
    writes: bool


@dataclass(frozen=True)
class AgentResult:
    """What came of it. Its edits are in the folder; nothing of this is trusted.

    `text` is its last message; `transcript` all that it printed. `unbound`: parts of its policy
    that this machine does not enforce, in words. `cost_usd` is as it was reported: NaN where it is
    not known, as of work that was ended before it reported any. `bad_paths`: files that it gave and
    that could not be written.
    """

    text: str
    transcript: str
    ending: Ending
    message: str = ""
    cost_usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    unbound: tuple[str, ...] = ()
    bad_paths: tuple[str, ...] = ()


class Agent(Protocol):
    """Someone who reads a folder, and perhaps edits it, as a prompt asks."""

    def check(self) -> str | None:
        """Why it cannot be used (no command, no key), or None. Calls nothing."""

    def work(self, job: AgentJob) -> AgentResult:
        """Do one task. Never raises for what the agent or its model does."""


@runtime_checkable
class Copies(Protocol):
    """Private copies of a target, and what was changed in them. A workspace makes them."""

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into a new folder, as a repository of its own."""

    def take(self, base: str, folder: Path, *, message: str, when: str) -> str:
        """What the folder holds now, as a commit on `base` that no branch names yet.

        Raises TargetError for what git cannot hold.
        """

    def changes(self, base: str, commit: str) -> tuple[ChangedFile, ...]:
        """Every file that differs between two commits."""

    def contents(self, base: str, commit: str) -> Mapping[str, tuple[bytes, bytes]]:
        """path -> its bytes before and after, of every file that differs; b'' where it is not."""

    def publish(self, commit: str, branch: str) -> None:
        """Give the target a new branch that stands at the commit. May be called again."""
