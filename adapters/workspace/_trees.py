"""The clone and its detached worktrees as folders: made whole or not at all."""

import os
import shutil
from pathlib import Path

from adapters.git import Git
from prompt_lab.errors import TargetError


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


def observe(worktree: Path) -> tuple[str, bool]:
    """(HEAD, tree is clean) in one call of git. Raises TargetError where it is no worktree."""
    lines = Git(worktree)("status", "--porcelain=v2", "--branch", "--untracked-files=all")
    head, clean = "", True
    for line in lines.splitlines():
        if line.startswith("# branch.oid "):
            head = line.removeprefix("# branch.oid ")
        elif not line.startswith("#"):
            clean = False
    if not head or head == "(initial)":
        raise TargetError(f"{worktree}: has no commit checked out")
    return head, clean


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".made")
