"""Commits and worktrees of a target."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol


class Workspace(Protocol):
    """Commits and worktrees of a target, on a shared clone that is ours alone."""

    def check(self) -> None:
        """Raises TargetError if the repository cannot be used: not git, no main, dirty tree."""

    def resolve(self, ref: str) -> str:
        """The full commit id of a branch, tag or commit. Raises TargetError."""

    def refs(self) -> dict[str, str]:
        """ref -> object id of the user's repository, but for what a fetch or a stash changes."""

    def message(self, commit: str) -> str:
        """What a commit says, as it was written."""

    def blob(self, commit: str, path: str) -> str | None:
        """Git blob id of a file as it is checked out at a commit; None where there is none."""

    def blobs(self, commit: str, paths: Iterable[str], *, stored: bool = False) -> dict[str, str]:
        """path -> blob id as checked out (or `stored`) at a commit, of paths that are files."""

    def read(self, commit: str, path: str, *, stored: bool = False) -> str:
        """Text of a file as checked out (or `stored`). Raises TargetError where there is none."""

    def check_files(self, commit: str, paths: Iterable[str]) -> None:
        """Raises TargetError for a pointer, a submodule that is missing, a link that leads out."""

    def check_worktree(self, commit: str, paths: Iterable[str]) -> None:
        """See that a clean worktree holds these files as they are checked out now."""

    def worktree(self, commit: str) -> Path:
        """A detached worktree at that commit, made on first use."""

    def put_back(self, commit: str) -> Path:
        """The same worktree with all undone that runs have left in it."""

    def tidy(self, commit: str) -> None:
        """Take away what git ignores there; what else is not the commit's stays to be seen."""

    def observe(self, worktree: Path) -> tuple[str, bool]:
        """(HEAD, tree is clean) of a worktree as it is now."""

    def dirt(self, worktree: Path) -> tuple[str, ...]:
        """Paths in a worktree that are not the commit's, be they ignored by git."""

    def commit_files(
        self,
        base: str,
        branch: str,
        files: Mapping[str, str],
        *,
        message: str,
        when: str,
        append: bool = False,
    ) -> str:
        """One commit on a new branch, or with `append` on one that stands at `base`; repeatable."""

    def revert(
        self, base: str, branch: str, commit: str, *, since: str = "", message: str, when: str
    ) -> str:
        """A new branch on `base` with one commit that reverts a merge, or all commits `since` one.

        Repeatable. Raises TargetError."""

    def merge_commit(self, base: str, commit: str) -> str:
        """The commit that a merge would leave; the one that has the other. Raises MergeConflict."""

    def diff(self, base: str, commit: str) -> str:
        """Unified diff between two commits."""
