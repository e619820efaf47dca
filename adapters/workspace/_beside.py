"""What takes a checkout to make, in a throwaway clone: the user's own are never touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.git import Git, create_scratch_repository, hand_over, signed
from prompt_lab.errors import MergeConflict, TargetError

_MADE = "refs/reverted"
_MERGED = "refs/merged"
_NO_TIME = "1970-01-01T00:00:00Z"


def revert_commit(clone: Git, base: str, taken: str, *, message: str, when: str) -> str:
    """The commit, on top of `base`; under no name yet. `taken` is a commit, or a range of them.

    A merge is taken back against its first parent. Equal calls give an equal commit.
    Raises TargetError that names what conflicts, or where `base` would not change.
    """
    with _checkout(clone, base) as there:
        merge = ".." not in taken and len(there("rev-parse", f"{taken}^@").split()) > 1
        mainline = ("-m", "1") if merge else ()
        if there.ask("revert", "--no-commit", *mainline, taken, env=signed(when)) is None:
            names = ", ".join(map(repr, _unmerged(there))) or "what it changed"
            raise TargetError(
                f"it cannot be taken back by itself, since {names} was changed again later:"
                " take the later change back first, or take this one back by hand on a branch,"
                " and test that with --branch"
            )
        tree = there("write-tree")
        if tree == there("rev-parse", f"{base}^{{tree}}"):
            raise TargetError("nothing of it is left to take back")
        commit = there("commit-tree", tree, "-p", base, "-m", message, env=signed(when))
        there("update-ref", _MADE, commit)
        hand_over(clone, there.folder, _MADE)
    return commit


def merge_commit(clone: Git, base: str, head: str) -> str:
    """What a merge of `head` into `base` would be, under no name; the one that has the other.

    Raises MergeConflict that names what conflicts.
    """
    for one, other in ((base, head), (head, base)):
        if clone.ask("merge-base", "--is-ancestor", other, one) is not None:
            return one
    when = signed(_NO_TIME)
    with _checkout(clone, base) as there:
        if there.ask("merge", "-q", "--no-ff", "--no-commit", head, env=when) is None:
            names = ", ".join(map(repr, _unmerged(there))) or "its files"
            raise MergeConflict(f"it conflicts with main in {names}")
        message = ("-m", f"{head} merged")
        parents = ("-p", base, "-p", head)
        commit = there("commit-tree", there("write-tree"), *parents, *message, env=when)
        there("update-ref", _MERGED, commit)
        hand_over(clone, there.folder, _MERGED)
    return commit


@contextmanager
def _checkout(clone: Git, commit: str) -> Iterator[Git]:
    with TemporaryDirectory(dir=clone.folder) as scratch:
        folder = Path(scratch).resolve() / "beside"
        there = create_scratch_repository(clone, folder)
        there("checkout", "-q", "--detach", commit)
        yield there


def _unmerged(there: Git) -> list[str]:
    return there("diff", "--name-only", "--diff-filter=U").splitlines()
