"""Commits that a shallow target lacks: taken over once it has them, named until then."""

import re

from adapters.git import Git, describe_unshallow, shallow_commits
from adapters.workspace._copies import fetch_commit
from prompt_lab.errors import TargetError

_BRANCH = re.compile(r"(?:refs/heads/)?([\w./-]+)")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def deepen(clone: Git, target: Git, commit: str) -> None:
    """Take over the history that a shallow target has fetched since. The caller holds the lock."""
    if shallow_commits(clone) - shallow_commits(target):
        fetch_commit(clone, target.folder, commit, "--unshallow")


def check_parents(clone: Git, target: Git, reverted: str) -> None:
    """Raises TargetError where a commit, or one of a range, is to be reverted without its parents.

    Git would take such a commit for the first one of all, whose revert deletes every file.
    """
    commits = clone("rev-list", reverted).splitlines() if ".." in reverted else [reverted]
    cut = shallow_commits(clone).intersection(commits)
    if cut:
        raise TargetError(
            f"{target.folder}: is a shallow clone and lacks the parents of {min(cut)[:12]}, which"
            f" is to be reverted: {describe_unshallow(target)}"
        )


def describe_missing(target: Git, ref: str) -> str:
    """What may bring a missing ref to a shallow target; '' where its history is whole."""
    if not shallow_commits(target):
        return ""
    branch = _BRANCH.fullmatch(ref)
    name = branch[1] if branch and not _COMMIT.fullmatch(ref) else ""
    return f", and this is a shallow clone: {describe_unshallow(target, name)}"
