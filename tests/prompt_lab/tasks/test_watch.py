"""A watch that is quiet is a promise: each kind of change of a workspace must break it."""

import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from adapters.git import Git
from prompt_lab.ports import GitFactory
from prompt_lab.task_engine.task_copy import watch
from prompt_lab.task_engine.task_copy.tree import Tree
from prompt_lab.task_engine.task_copy.watch import FolderWatch

CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda root: (root / "a/file").write_text("new"),
    "appended": lambda root: (root / "a/b/deep").open("a").write("more"),
    "truncated": lambda root: os.truncate(root / "a/file", 0),
    "mode": lambda root: (root / "a/file").chmod(0o755),
    "removed": lambda root: (root / "a/file").unlink(),
    "new in an empty folder": lambda root: (root / "empty/new").write_text("x"),
    "new folder": lambda root: (root / "a/new").mkdir(),
    "link": lambda root: (root / "a/link").symlink_to("file"),
    "second name": lambda root: os.link(root / "a/file", root / "a/second"),
    "moved within": lambda root: (root / "a/file").rename(root / "empty/file"),
    "moved away": lambda root: (root / "a/b").rename(root.parent / "b"),
    "moved over": lambda root: (root.parent / "other").replace(root / "a/file"),
    "other time": lambda root: os.utime(root / "a/file", (1, 1)),
    "ignored file that excludes name": lambda root: (root / ".gitignore").write_text("x"),
    "index": lambda root: (root / ".git/index").write_text("x"),
    "excludes": lambda root: (root / ".git/info/exclude").write_text("x"),
}
UNSEEN: dict[str, Callable[[Path], object]] = {
    "read": lambda root: (root / "a/file").read_text(),
    "our own folder": lambda root: (root / "work/new").write_text("x"),
    "git's objects": lambda root: (root / ".git/objects/new").write_text("x"),
    "listed": lambda root: [*os.walk(root)],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like a repository, whose changes the kernel reports."""
    for folder in ("a/b", "empty", "work", ".git/info", ".git/objects"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    for name in ("root/a/file", "root/a/b/deep", "root/.git/index", "other"):
        (tmp_path / name).write_text("old")
    if sys.platform != "linux":
        pytest.skip("the kernel reports no changes here")
    return tmp_path / "root"


def _watched(root: Path) -> FolderWatch:
    found = FolderWatch(root)
    found.begin()
    return found


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_ends_the_quiet_until_the_next_beginning(name: str, root: Path) -> None:
    found = _watched(root)
    assert found.is_quiet()
    CHANGES[name](root)
    assert not found.is_quiet()
    assert not found.is_quiet()
    found.begin()
    assert found.is_quiet()


@pytest.mark.parametrize("name", UNSEEN)
def test_what_is_in_no_copy_leaves_it_quiet(name: str, root: Path) -> None:
    found = _watched(root)
    UNSEEN[name](root)
    assert found.is_quiet()


def test_a_folder_made_after_the_beginning_is_watched_after_the_next_one(root: Path) -> None:
    found = _watched(root)
    (root / "a/new/inner").mkdir(parents=True)
    assert not found.is_quiet()
    found.begin()
    (root / "a/new/inner/file").write_text("x")
    assert not found.is_quiet()


def test_a_child_process_does_not_take_its_parents_events(root: Path) -> None:
    found = _watched(root)
    (root / "a/file").write_text("new")
    child = os.fork()
    if not child:
        quiet = found.is_quiet()
        found.begin()
        os._exit(10 * quiet + found.is_quiet())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert not found.is_quiet()


@pytest.mark.parametrize("why", ["worktree", "folders", "file system"])
def test_it_is_never_quiet_where_changes_may_be_missed(
    why: str, root: Path, request: pytest.FixtureRequest
) -> None:
    place = root
    if why == "worktree":
        place = root / "a"
        (place / ".git").write_text("gitdir: elsewhere\n")
    elif why == "folders":
        for number in range(watch.MOST_FOLDERS):
            (root / "a" / str(number)).mkdir()
    else:
        place = Path("/proc/self/task")
    assert not _watched(place).is_quiet()


class _CountingGit:
    """Git that counts how often a workspace was listed."""

    def __init__(self) -> None:
        self.listed = 0

    def __call__(self, root: Path) -> Any:
        git = Git(root)
        self.listed += 1
        return git


def _tree(root: Path, git: GitFactory, artifacts: Collection[str] = ()) -> Tree:
    tree = Tree(root, root / "work" / "tree", git)
    tree.refresh(artifacts)
    return tree


@pytest.mark.slow
def test_a_tree_lists_a_quiet_workspace_once_and_a_changed_one_again(root: Path) -> None:
    for path in (root / ".git").rglob("*"):
        if path.is_file():
            path.unlink()
    git = _CountingGit()
    Git(root).raw("init", "-q")
    tree = _tree(root, git)
    first = git.listed
    tree.refresh([])
    tree.refresh([])
    assert git.listed == first
    (root / "a/file").write_text("newer")
    (root / "empty/more").write_text("x")
    tree.refresh([])
    assert git.listed == first + 1
    assert (tree.folder / "a/file").read_text() == "newer"
    assert (tree.folder / "empty/more").read_text() == "x"
    tree.refresh(["other"])
    assert git.listed == first + 2
    os.link(root / "a/file", root.parent / "second")
    (root / "a/b/deep").write_text("newest")
    tree.refresh([])
    (root.parent / "second").write_text("by another name")
    tree.refresh([])
    assert (tree.folder / "a/file").read_text() == "by another name"
