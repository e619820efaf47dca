"""What is particular to git: the user's files stay as they are, and nothing half made is used."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.git import Git, signed
from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import LabError, StoreError, TargetError
from tests.adapters.workspace.target import WHEN, Target

PROMPT = "prompts/extract.txt"


def _state(folder: Path) -> dict[str, bytes]:
    """Every file of a repository but the objects."""
    files = (p for p in folder.rglob("*") if p.is_file() and "objects" not in p.parts)
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_the_users_repository_gains_the_branch_and_nothing_else(
    workspace: GitWorkspace, target: Target
) -> None:
    before = _state(target.folder)
    workspace.check()
    workspace.worktree(workspace.resolve("main"))
    assert _state(target.folder) == before
    workspace.commit_files("main", "lab/1", {PROMPT: "New.\n"}, message="m", when=WHEN)
    gained = set(_state(target.folder)) - set(before)
    assert gained <= {".git/refs/heads/lab/1", ".git/logs/refs/heads/lab/1"}
    assert target.status() == ""


def test_hooks_of_the_user_never_run(workspace: GitWorkspace, target: Target) -> None:
    trace = target.folder.parent / "trace"
    hooks = target.folder / ".husky"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "pre-commit", "update"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> '{trace}'\nexit 1\n")
        (hooks / name).chmod(0o755)
    target.git("config", "core.hooksPath", ".husky")
    workspace.worktree(target.first)
    workspace.commit_files("main", "lab/1", {PROMPT: "New.\n"}, message="m", when=WHEN)
    assert not trace.exists()


def test_the_users_settings_and_environment_change_nothing(
    workspace: GitWorkspace,
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    (home / "git").mkdir(parents=True)
    (home / "git" / "ignore").write_text("*\n")
    (home / ".gitconfig").write_text("[core]\n\tautocrlf = true\n[user]\n\tname = Somebody\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    commit = workspace.commit_files("main", "lab/1", {PROMPT: "New.\n"}, message="m", when=WHEN)
    tree = workspace.worktree(commit)
    assert (tree / PROMPT).read_bytes() == b"New.\n"
    (tree / "new.txt").write_text("seen, although the user ignores it")
    assert workspace.observe(tree) == (commit, False)
    who = Git(tree)("log", "-1", "--format=%an %cn %aI")
    assert who == "Prompt Lab Prompt Lab 2026-03-04T05:06:07+00:00"


def test_the_same_change_has_the_same_id_in_another_lab(target: Target, tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        copy = tmp_path / name / "target"
        shutil.copytree(target.folder, copy)
        ours = GitWorkspace(copy, tmp_path / name / "work", "main")
        ids.add(ours.commit_files("main", "lab/1", {PROMPT: "N"}, message="m", when=WHEN))
    assert len(ids) == 1


def test_a_changed_file_keeps_its_mode(workspace: GitWorkspace, target: Target) -> None:
    target.write({"run.sh": "echo 1\n"})
    (target.folder / "run.sh").chmod(0o755)
    target.commit({})
    made = workspace.commit_files("main", "lab/1", {"run.sh": "echo 2\n"}, message="m", when=WHEN)
    assert os.access(workspace.worktree(made) / "run.sh", os.X_OK)


def test_a_commit_outlives_its_branch_in_the_target(
    workspace: GitWorkspace, target: Target
) -> None:
    head = target.branch("topic", {PROMPT: "New.\n"})
    workspace.resolve("topic")
    target.git("branch", "-q", "-D", "topic")
    target.git("reflog", "expire", "--expire=now", "--all")
    target.git("gc", "-q", "--prune=now")
    assert workspace.resolve(head) == head
    assert workspace.observe(workspace.worktree(head)) == (head, True)


def test_a_commit_on_no_branch_and_a_shallow_target_can_be_used(
    target: Target, tmp_path: Path
) -> None:
    target.commit({"more.txt": "x"})
    shallow = tmp_path / "shallow"
    Git(tmp_path)("clone", "-q", "--depth=1", f"file://{target.folder}", str(shallow))
    there = Git(shallow)
    there("checkout", "-q", "--detach")
    there("commit", "-q", "--allow-empty", "-m", "loose", env=signed(WHEN))
    loose = there("rev-parse", "HEAD")
    workspace = GitWorkspace(shallow, tmp_path / "work", "main")
    assert workspace.observe(workspace.worktree(loose)) == (loose, True)
    made = workspace.commit_files("main", "lab/1", {PROMPT: "N"}, message="m", when=WHEN)
    assert there("rev-parse", "lab/1") == made
    newer = [target.commit({"more.txt": text}) for text in ("y", "z")][-1]
    there("fetch", "-q", "--depth=1", "origin", "main:newest")
    assert workspace.observe(workspace.worktree(workspace.resolve("newest"))) == (newer, True)


def test_a_worktree_on_another_commit_is_returned_as_it_is(
    workspace: GitWorkspace, target: Target
) -> None:
    second = target.commit({PROMPT: "New.\n"})
    tree = workspace.worktree(second)
    Git(tree)("checkout", "-q", target.first)
    assert workspace.observe(workspace.worktree(second)) == (target.first, True)


def test_a_worktree_that_was_not_finished_or_was_deleted_is_made_again(
    workspace: GitWorkspace, target: Target
) -> None:
    tree = workspace.worktree(target.first)
    shutil.rmtree(tree)
    assert workspace.observe(workspace.worktree(target.first)) == (target.first, True)
    # What a process leaves that died while git was writing the files: no marker yet.
    tree.with_name(tree.name + ".made").unlink()
    (tree / PROMPT).unlink()
    assert workspace.observe(workspace.worktree(target.first)) == (target.first, True)


def test_a_half_made_clone_is_made_again(
    workspace: GitWorkspace, target: Target, tmp_path: Path
) -> None:
    (tmp_path / "work" / "clone.git" / "objects").mkdir(parents=True)
    (tmp_path / "work" / "clone.git.fresh").mkdir()
    assert workspace.resolve("main") == target.first


def test_a_lab_that_was_moved_makes_its_worktrees_anew(target: Target, tmp_path: Path) -> None:
    old = GitWorkspace(target.folder, tmp_path / "work", "main").worktree(target.first)
    shutil.copytree(tmp_path / "work", tmp_path / "copy")
    moved = GitWorkspace(target.folder, tmp_path / "copy", "main")
    tree = moved.worktree(target.first)
    Git(tree)("checkout", "-q", "--orphan", "other")
    assert moved.observe(old) == (target.first, True)


def test_many_at_once_make_one_worktree(target: Target, tmp_path: Path) -> None:
    def make(_: int) -> Path:
        return GitWorkspace(target.folder, tmp_path / "work", "main").worktree(target.first)

    with ThreadPoolExecutor(8) as pool:
        trees = set(pool.map(make, range(16)))
    assert len(trees) == 1
    assert GitWorkspace(target.folder, tmp_path / "work", "main").observe(trees.pop())[1]


def test_what_is_no_worktree_cannot_be_observed(workspace: GitWorkspace, target: Target) -> None:
    inside = target.folder / "prompts"
    shutil.rmtree(target.folder / ".git")
    around = Git(target.folder.parent)
    around("init", "-q")
    around("commit", "-q", "--allow-empty", "-m", "The lab", env=signed(WHEN))
    for folder in (inside, target.folder, target.folder / "missing"):
        with pytest.raises(TargetError, match=str(folder)):
            workspace.observe(folder)


def test_a_disk_that_refuses_is_a_store_error(target: Target, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="file"):
        GitWorkspace(target.folder, tmp_path / "file" / "work", "main").resolve("main")


class TestCheck:
    def test_a_sound_target_passes(self, workspace: GitWorkspace, target: Target) -> None:
        (target.folder / "untracked.txt").write_text("of no matter")
        target.git("checkout", "-q", "-b", "elsewhere")
        workspace.check()

    def test_a_bare_repository_passes(self, target: Target, tmp_path: Path) -> None:
        bare = tmp_path / "bare.git"
        Git(tmp_path)("clone", "-q", "--bare", str(target.folder), str(bare))
        GitWorkspace(bare, tmp_path / "work", "main").check()

    def test_a_dirty_tree_names_five_files_and_the_fix(
        self, workspace: GitWorkspace, target: Target
    ) -> None:
        names = {f"file {n}.txt": "x" for n in range(7)}
        target.commit(names)
        target.write(dict.fromkeys(names, "y"))
        with pytest.raises(TargetError) as caught:
            workspace.check()
        message = str(caught.value)
        assert "'file 0.txt', 'file 1.txt'" in message
        assert "'file 4.txt' and 2 more" in message
        assert "file 5" not in message
        assert "git stash" in message

    def test_a_staged_change_counts(self, workspace: GitWorkspace, target: Target) -> None:
        target.git("mv", PROMPT, "moved.txt")
        with pytest.raises(TargetError, match=r"moved\.txt"):
            workspace.check()

    def test_a_folder_inside_another_repository_is_none(
        self, target: Target, tmp_path: Path
    ) -> None:
        with pytest.raises(TargetError, match="no git repository"):
            GitWorkspace(target.folder / "prompts", tmp_path / "work", "main").check()

    def test_a_missing_folder_or_branch_is_named(self, target: Target, tmp_path: Path) -> None:
        for folder, main, said in (
            (tmp_path / "nowhere", "main", "does not exist"),
            (target.folder, "trunk", "'trunk'"),
        ):
            with pytest.raises(TargetError, match=said):
                GitWorkspace(folder, tmp_path / "work", main).check()


def test_git_that_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="git is not installed"):
        Git(tmp_path)("status")
