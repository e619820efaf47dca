"""Submodules of the target: taken from the user's checkout, never from the network."""

from functools import lru_cache
from pathlib import Path

from adapters.git import Git, git_path
from adapters.workspace import _trees as _content
from adapters.workspace._copies import fetch_commit
from adapters.workspace._located import SUBMODULE, FetchSubmodule, fetch_below

_COMMIT = "{}^{{commit}}"


@lru_cache(maxsize=64)
def submodules(clone: Git, commit: str) -> tuple[tuple[str, str], ...]:
    """(path, commit) of each submodule of a commit."""
    found = _content.entries(clone, commit).items()
    return tuple((path, its) for path, (mode, its) in found if mode == SUBMODULE)


def fetch_submodule(clone: Git, target: Git, path: str, commit: str) -> bool:
    """Whether the clone holds a submodule's commit, fetched from the target if it is there."""
    if clone.ask("rev-parse", "-q", "--verify", _COMMIT.format(commit)) is not None:
        return True
    places = ((target.folder / path, ".git"), (git_path(target, "modules") / path, "HEAD"))
    for folder, sign in places:
        if not (folder / sign).exists():
            continue
        there = Git(folder, ours=False)
        if there.ask("rev-parse", "-q", "--verify", _COMMIT.format(commit)) is not None:
            fetch_commit(clone, folder, commit)
            return True
    return False


def check_out_submodules(clone: Git, tree: Path, commit: str, fetch: FetchSubmodule) -> None:
    """Check out each submodule that can be had, as `tree` stands at `commit`."""
    for path, its in submodules(clone, commit):
        place = tree / path
        if not (place / ".git").exists() and fetch(path, its):
            clone("worktree", "add", "-q", "--force", "--detach", str(place.resolve()), its)
            check_out_submodules(clone, place, its, fetch_below(path, fetch))


def checked_out_submodules(tree: Path) -> list[str]:
    """The paths of the submodules that are checked out in a worktree."""
    if not (tree / ".gitmodules").is_file():
        return []
    told = Git(tree).raw(
        "config", "-z", "-f", ".gitmodules", "--get-regexp", r"\.path$", no_is_fine=True
    )
    paths = [line.partition("\n")[2] for line in told.decode("utf-8", "replace").split("\0")]
    root = tree.resolve()
    inside = [p for p in paths if p and (root / p).resolve().is_relative_to(root)]
    return [path for path in inside if (root / path / ".git").is_file()]
