"""Where pull requests live."""

from typing import Protocol

from prompt_lab.names import Outcome
from prompt_lab.records import Pull


class CodeHost(Protocol):
    """Where pull requests live. Every call may be repeated without a second effect.

    Any call raises CodeHostError where the host refuses, or does not answer; the same call may
    then be made again.
    """

    def refresh(self, base: str) -> None:
        """Move `base` of the target on to what the host has. Raises where the two have parted."""

    def open_pull(self, branch: str, *, base: str, title: str, body: str, when: str) -> Pull:
        """The open pull request of a branch of the target, opened if there is none."""

    def check_branch(self, branch: str, *, base: str) -> None:
        """Raises what open_pull and verify would say of a branch that is given; writes nothing."""

    def get(self, number: int) -> Pull:
        """Raises CodeHostError where there is none."""

    def verify(self, number: int, *, base: str) -> Pull:
        """The pull request as a run may start from it, its head a commit of the target.

        Raises PullEnded where it is not open, MergeConflict where it conflicts with `base`,
        CodeHostError where it goes into another branch or its head is gone.
        """

    def comment(self, number: int, *, key: str, body: str, when: str) -> str:
        """Write a comment, or edit the one with the same key. Returns its id."""

    def comments(self, number: int) -> dict[str, str]:
        """key -> body, oldest first."""

    def label(self, number: int, label: str, *, when: str) -> None:
        """Add a label."""

    def unlabel(self, number: int, label: str, *, when: str) -> None:
        """Take a label off, if it is there."""

    def status(self, number: int, *, commit: str, outcome: Outcome, text: str, when: str) -> None:
        """Say on the tested commit how it was judged, so that a rule of `base` can ask for it."""

    def merge(self, number: int, *, expected_head: str, message: str, when: str) -> str:
        """Merge; returns the merge commit, which `base` of the target then has.

        Raises HeadMoved, PullEnded where it is closed or was merged at another head,
        MergeConflict, or MergeRefused where a rule of the host forbids it.
        """

    def close(self, number: int, *, when: str) -> None:
        """Close without merging. Raises PullEnded where it is merged."""
