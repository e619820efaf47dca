"""What the review of a change found, as a record."""

from pydantic import Field

from prompt_lab.analyze.contract import Contradiction
from prompt_lab.analyze.diffs import FileDiff, HardWord
from prompt_lab.analyze.leaks import Leak
from prompt_lab.records import Change, Record


class Size(Record):
    """How long a prompt is. Tokens are estimated from its bytes."""

    characters: int
    words: int
    tokens: int


class Review(Record):
    """Everything that the review found."""

    version: int = 1
    change: Change
    diff: str
    files: tuple[FileDiff, ...]
    before: Size
    after: Size
    placeholders_lost: tuple[str, ...]
    placeholders_gained: tuple[str, ...]
    leaks: tuple[Leak, ...]
    contradictions: tuple[Contradiction, ...] = Field(description="of the candidate")
    inherited: tuple[Contradiction, ...] = Field(description="those that the baseline has too")
    resolved: tuple[Contradiction, ...] = Field(description="the baseline's that are gone")
    hard_words: tuple[HardWord, ...]
