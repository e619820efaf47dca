"""Commits of our clone, kept from garbage collection, handed to the target as a branch."""

from adapters.git import Git, branch_head, checkout_of, hand_over
from prompt_lab.errors import TargetError

_NOTHING = "0" * 40


def keep_ref_name(commit: str) -> str:
    """The name in our clone under which a commit is safe from garbage collection."""
    return f"refs/kept/{commit}"


def publish(target: Git, clone: Git, branch: str, commit: str, *, old: str) -> None:
    """Give the target a commit of ours as a new branch, or as the next one after `old`.

    Raises TargetError where another change has the branch, or a checkout stands on it.
    """
    clone("update-ref", keep_ref_name(commit), commit)
    stands = branch_head(target, branch)
    if stands == commit:
        return
    if stands is not None and stands != old:
        raise TargetError(
            f"{target.folder}: branch {branch!r} exists already at {stands!r}, which is"
            f" not this change ({commit!r}): delete it there, or choose another name"
        )
    checkout = checkout_of(target, branch) if stands else None
    if checkout is not None:
        raise TargetError(
            f"{checkout}: stands on branch {branch!r}, which is to be moved on: check out"
            " another branch there"
        )
    hand_over(target, clone.folder.resolve(), keep_ref_name(commit))
    target("update-ref", f"refs/heads/{branch}", commit, stands or _NOTHING)
