"""The clone and its detached worktrees as folders: made whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from adapters.git import Git, create_scratch_repository, hand_over, signed
from adapters.workspace._scratch import scratch_folder
from adapters.workspace._submodules import checked_out_submodules
from prompt_lab.errors import MergeConflict, TargetError
from prompt_lab.evaluate.answers import blob_id


@lru_cache(maxsize=64)
def entries(clone: Git, commit: str) -> Mapping[str, tuple[str, str]]:
    """path -> (mode, id) of every file, link and submodule of a commit, in one call of git."""
    found = {}
    told = clone.raw("ls-tree", "-r", "-z", commit).decode("utf-8", "surrogateescape")
    for line in told.split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, _, blob = about.split(" ")
        found[path] = (mode, blob)
    return found


@lru_cache(maxsize=256)
def content(clone: Git, blob: str) -> bytes:
    """What a blob holds."""
    return clone.raw("cat-file", "blob", blob)


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
    with scratch_folder(clone.folder) as scratch:
        folder = Path(scratch).resolve() / "beside"
        there = create_scratch_repository(clone, folder)
        there("checkout", "-q", "--detach", commit)
        yield there


def _unmerged(there: Git) -> list[str]:
    return there("diff", "--name-only", "--diff-filter=U").splitlines()


_HEAD = "# branch.oid "
_STATUS = (
    *("--porcelain=v2", "-z", "--branch", "--no-renames"),
    *("--untracked-files=all", "--ignored=traditional"),
)
_FIELDS = {"1": 8, "u": 10, "?": 1, "!": 1}
"""Kind of an entry of the status -> how many fields stand before its path."""


def ensure_clone(folder: Path) -> None:
    """An empty bare repository at `folder`, if there is none. The caller holds the lock."""
    if (folder / "HEAD").is_file():
        return
    fresh = folder.with_name(folder.name + ".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    Git(fresh)("init", "-q", "--bare", ".")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(fresh, folder)


def usable(path: Path, clone: Path) -> bool:
    """Whether a worktree was made to its end and still belongs to this clone.

    Dirt and another commit are for the evidence to find: they do not make it unusable.
    """
    if not _marker(path).is_file():
        return False
    try:
        link = (path / ".git").read_text(encoding="utf-8").removeprefix("gitdir: ").strip()
    except OSError:
        return False
    # A lab that was moved or copied holds links into the place where it was before.
    return Path(link).is_dir() and Path(link).parent.resolve() == (clone / "worktrees").resolve()


def make(clone: Git, path: Path, commit: str) -> None:
    """A detached worktree, unless another process has just made it. The caller holds the lock."""
    if usable(path, clone.folder):
        return
    _marker(path).unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    clone("worktree", "prune")
    clone("worktree", "add", "-q", "--force", "--detach", str(path.resolve()), commit)
    # A process that dies above leaves a folder without its marker, which the next one replaces.
    _marker(path).touch()


def put_back(clone: Git, path: Path, commit: str) -> None:
    """Let a worktree hold its commit and nothing else. The caller holds the lock."""
    if usable(path, clone.folder) and state(path) == (commit, ()):
        clean(path, "-x")
        return
    make_again(clone, path, commit)


def make_again(clone: Git, path: Path, commit: str) -> None:
    """A new worktree in the place of one that is there. The caller holds the lock."""
    _marker(path).unlink(missing_ok=True)
    make(clone, path, commit)


def clean(path: Path, which: str) -> None:
    """Delete untracked files here and in submodules: '-X' those that git ignores, '-x' all."""
    Git(path)("clean", "-q", which, "-ff", "-d")
    for submodule in checked_out_submodules(path):
        clean(path / submodule, which)


def other_files(worktree: Path, wanted: Mapping[str, str]) -> list[str]:
    """Those of the files (path -> blob id) that hold another content there, or cannot be read."""
    wrong = []
    for path, blob in wanted.items():
        try:
            found = blob_id((worktree / path).read_bytes())
        except OSError:
            found = ""
        if found != blob:
            wrong.append(path)
    return wrong


def state(worktree: Path) -> tuple[str, tuple[str, ...]]:
    """(HEAD, paths that are not the commit's) in one call of git.

    Ignored files count, since a run may read what another one left in them; only what Python
    itself compiles does not. Raises TargetError where it is no worktree.
    """
    told = Git(worktree).raw("status", *_STATUS).decode("utf-8", "replace").split("\0")
    head, paths = "", []
    for entry in told:
        kind = entry[:1]
        if entry.startswith(_HEAD):
            head = entry.removeprefix(_HEAD)
        elif kind in _FIELDS:
            path = entry.split(" ", _FIELDS[kind])[-1]
            if kind != "!" or not _compiled(path):
                paths.append(path)
    if not head or head == "(initial)":
        raise TargetError(f"{worktree}: has no commit checked out")
    # What git ignores in a submodule is seen from inside it only.
    for submodule in checked_out_submodules(worktree):
        paths += [f"{submodule}/{path}" for path in state(worktree / submodule)[1]]
    return head, tuple(sorted(paths))


def _compiled(path: str) -> bool:
    *_, folder, name = ("", *path.split("/"))
    return folder == "__pycache__" and name.endswith(".pyc")


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".made")
