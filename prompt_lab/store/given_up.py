"""given_up.json: an iteration that was ended by a command, without a verdict of its own."""

from pathlib import Path

from pydantic import Field

from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record

GIVEN_UP = "given_up.json"


class GivenUp(Record):
    """How an iteration was given up. Its trial counts in the error budget all the same."""

    version: int = VERSION
    iteration: int
    reason: str
    when: str
    alpha: float | None = Field(
        default=None, description="what the trial was granted, and has spent; None: not recorded"
    )
    pull: int | None = Field(default=None, description="None: the iteration had opened none")
    action: str = Field(default="", description="what was done with the pull request; '' for none")
    fault: str = Field(
        default="", description="why the pull request could not be changed; the next call retries"
    )


def is_given_up(folder: Path) -> bool:
    """Whether the iteration of this folder was given up, or is about to be."""
    return (folder / GIVEN_UP).exists()


def read_given_up(folder: Path) -> GivenUp | None:
    """How an iteration was given up; None where it was not. Raises StoreError where damaged."""
    if not is_given_up(folder):
        return None
    path = folder / GIVEN_UP
    return read_record(path, GivenUp, fix="Remove it and give GiveUp again")
