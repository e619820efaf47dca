"""The things that a use case waits for. The caller makes them and starts it again.

A use case that needs runs is a generator of needs. It is started from the top each time, reads
from the lab what is there, and yields only what is missing.
"""

from dataclasses import dataclass

from prompt_lab.names import Split
from prompt_lab.records import RunKey


@dataclass(frozen=True)
class RunsNeeded:
    """These runs of a batch are missing."""

    batch: str
    keys: tuple[RunKey, ...]


@dataclass(frozen=True)
class JudgementsNeeded:
    """The llm_judge has to compare the answers of a batch up to a look; `content` digests them."""

    batch: str
    look: int
    content: str


@dataclass(frozen=True)
class ScoutNeeded:
    """The baseline has to run on a few plans before a change can be chosen."""


@dataclass(frozen=True)
class SplitNeeded:
    """All runs of a split have to exist."""

    split: Split


@dataclass(frozen=True)
class IterationNeeded:
    """An iteration, or with `scout` only its scout, has to be made with these options."""

    number: int
    start: str = ""
    follow_up: int = 0
    agent: str = ""
    scout: bool = False


Need = RunsNeeded | JudgementsNeeded | ScoutNeeded | SplitNeeded
