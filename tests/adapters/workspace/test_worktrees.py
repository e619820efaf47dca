"""What runs leave in a worktree is seen, and undone where it is asked for."""

import subprocess

from prompt_lab.ports import Workspace
from tests.adapters.workspace.target import Target

PROMPT = "prompts/extract.txt"


def test_observe_sees_what_changed_and_what_is_ignored(
    workspace: Workspace, target: Target
) -> None:
    commit = target.commit({".gitignore": "*.log\n__pycache__\nhidden/\n"})
    tree = workspace.worktree(commit)
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "a.pyc").write_text("compiled")
    assert workspace.observe(tree) == (commit, True)
    (tree / "run.log").write_text("ignored")
    (tree / "hidden").mkdir()
    (tree / "hidden" / "a ü.txt").write_text("ignored")
    (tree / "__pycache__" / "a.txt").write_text("not compiled")
    assert workspace.observe(tree) == (commit, False)
    assert workspace.dirt(tree) == ("__pycache__/a.txt", "hidden/a ü.txt", "run.log")
    assert workspace.observe(workspace.put_back(commit)) == (commit, True)
    assert not (tree / "__pycache__").exists()
    (tree / "prompts" / "new.txt").write_text("untracked")
    assert workspace.observe(tree) == (commit, False)
    (tree / "prompts" / "new.txt").unlink()
    (tree / PROMPT).write_text("Read {text}!\n")
    assert workspace.observe(tree) == (commit, False)


def test_a_worktree_is_put_back_whatever_was_done_to_it(
    workspace: Workspace, target: Target
) -> None:
    second = target.commit({PROMPT: "New.\n"})
    tree = workspace.put_back(second)
    (tree / PROMPT).write_text("Tampered.\n")
    assert workspace.dirt(tree) == (PROMPT,)
    assert workspace.put_back(second) == tree
    assert (tree / PROMPT).read_text() == "New.\n"
    subprocess.run(["git", "checkout", "-q", target.first], cwd=tree, check=True)
    assert workspace.observe(workspace.put_back(second)) == (second, True)
