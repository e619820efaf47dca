"""Merge commits made beside the user's checkout, and main moved on to them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from adapters.git import (
    Git,
    check_common_history,
    checkout_of,
    create_scratch_repository,
    hand_over,
    signed,
)
from prompt_lab.errors import CodeHostError, MergeConflict, PullEnded
from prompt_lab.names import PullState
from prompt_lab.records import Pull

LONGEST = 65_000
"""Characters; GitHub takes 65,536."""
_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_MARK = re.compile(r"\n\n<!-- prompt-lab: ([A-Za-z0-9_.-]+) -->\s*\Z")
_CUT = "\n\n… the rest is in the report."


def add_marker(body: str, key: str) -> str:
    r"""The body with its mark; what is too long for the host is cut.

    >>> add_marker("YES", "verdict-1")
    'YES\n\n<!-- prompt-lab: verdict-1 -->'
    """
    if not _KEY.fullmatch(key):
        raise CodeHostError(
            f"{key!r} cannot be the key of a comment: letters, digits, '_', '.', '-'"
        )
    whole = body if len(body) <= LONGEST else body[: LONGEST - len(_CUT)] + _CUT
    return f"{whole}\n\n<!-- prompt-lab: {key} -->"


def unmarked(text: str | None) -> tuple[str, str] | None:
    r"""(key, body) of a comment of ours; None of any other.

    >>> unmarked("YES\n\n<!-- prompt-lab: verdict-1 -->\n"), unmarked("I like it.")
    (('verdict-1', 'YES'), None)
    """
    plain = (text or "").replace("\r\n", "\n")
    found = _MARK.search(plain)
    return (found[1], plain[: found.start()]) if found else None


def check_open(pull: Pull, *, base: str) -> None:
    """Raises PullEnded or CodeHostError with what is wrong: its state, its base, its branch."""
    name = f"pull request #{pull.number} ({pull.url})"
    if pull.state is not PullState.OPEN:
        raise PullEnded(f"{name} is {pull.state.value}, not open: name one that is open")
    if pull.base != base:
        raise CodeHostError(
            f"{name} goes into {pull.base!r}, but changes are compared with {base!r}: change"
            " its base, or 'main' in the target's config"
        )
    if not pull.head:
        raise CodeHostError(f"{name}: its branch {pull.branch!r} is gone")


def find_merge(git: Git, base: str, head: str) -> str | None:
    """The merge commit on a branch's first-parent line that brought `head` in, if there is one."""
    if git.ask("rev-parse", "-q", "--verify", f"{head}^{{commit}}") is None:
        return None
    since = f"{head}..refs/heads/{base}"
    lines = git("rev-list", "--first-parent", "--merges", "--parents", since)
    for line in lines.splitlines():
        commit, _, *others = line.split(" ")
        if head in others:
            return commit
    return None


def contains(git: Git, commit: str, ancestor: str) -> bool:
    """Whether `ancestor` is `commit` or one of those before it."""
    return git.ask("merge-base", "--is-ancestor", ancestor, commit) is not None


def make_merge(git: Git, scratch: Path, ends: tuple[str, str], *, message: str, when: str) -> str:
    """A merge commit of (main, head) in the repository, under no name yet.

    The same arguments give the same commit. Raises MergeConflict that names what conflicts.
    """
    main, head = ends
    as_ours = {"message": message, "when": when}
    if contains(git, head, main):
        return _commit(git, git("rev-parse", f"{head}^{{tree}}"), ends, **as_ours)
    with _merged_clone(git, scratch, ends, when=when) as clone:
        commit = _commit(clone, clone("write-tree"), ends, **as_ours)
        clone("update-ref", "refs/merged", commit)
        hand_over(git, clone.folder.resolve(), "refs/merged")
    return commit


def check_merge(git: Git, scratch: Path, ends: tuple[str, str], *, when: str) -> None:
    """Raises MergeConflict where (main, head) cannot be merged. Writes nothing but in `scratch`."""
    main, head = ends
    if not contains(git, head, main):
        with _merged_clone(git, scratch, ends, when=when):
            return


@contextmanager
def _merged_clone(git: Git, scratch: Path, ends: tuple[str, str], *, when: str) -> Iterator[Git]:
    """A throwaway clone whose index holds the merge, not yet committed."""
    main, head = ends
    check_common_history(git, git, ends)
    scratch.mkdir(parents=True, exist_ok=True)
    for left_by_the_dead in scratch.glob("merge-*"):
        rmtree(left_by_the_dead, ignore_errors=True)
    with TemporaryDirectory(dir=scratch, prefix="merge-") as folder:
        # A scratch repository works with every git; merge-tree --write-tree came only with 2.38.
        clone = create_scratch_repository(git, Path(folder).resolve())
        clone("checkout", "-q", "--detach", main)
        merged = clone.ask("merge", "-q", "--no-ff", "--no-commit", head, env=signed(when))
        if merged is None:
            names = clone("diff", "--name-only", "--diff-filter=U").splitlines()
            raise MergeConflict(
                f"{git.folder}: the branch conflicts with main in"
                f" {', '.join(map(repr, names)) or 'its files'}:"
                " merge main into the branch by hand"
            )
        yield clone


def advance(git: Git, base: str, *, old: str, new: str) -> None:
    """Move a branch on, together with the checkout that stands on it.

    A change that the user has not committed is never touched: where the merge needs the same
    file, CodeHostError says so and nothing is moved.
    """
    checkout = checkout_of(git, base)
    if checkout is None:
        git("update-ref", "-m", "prompt-lab: merge", f"refs/heads/{base}", new, old)
        return
    there = Git(checkout, ours=False, raises=CodeHostError)
    try:
        there("merge", "-q", "--ff-only", "--no-verify-signatures", new)
    except CodeHostError as error:
        raise CodeHostError(
            f"{base!r} is checked out in {checkout} and cannot be moved on to the merge:"
            f" commit or stash what has changed there, then run the same command again. {error}"
        ) from error


def _commit(git: Git, tree: str, parents: tuple[str, str], *, message: str, when: str) -> str:
    first, second = parents
    return git("commit-tree", tree, "-p", first, "-p", second, "-m", message, env=signed(when))
