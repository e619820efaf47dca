"""What takes a checkout to make, in a throwaway clone: the user's own are never touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.git import Git, hand_over, signed
from prompt_lab.errors import TargetError

_MADE = "refs/reverted"


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


@contextmanager
def _checkout(clone: Git, commit: str) -> Iterator[Git]:
    with TemporaryDirectory(dir=clone.folder) as scratch:
        folder = Path(scratch).resolve() / "beside"
        clone("clone", "-q", "--shared", "--no-checkout", str(clone.folder.resolve()), str(folder))
        there = Git(folder)
        there("checkout", "-q", "--detach", commit)
        yield there


def _unmerged(there: Git) -> list[str]:
    return there("diff", "--name-only", "--diff-filter=U").splitlines()
