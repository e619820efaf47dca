"""What a commit holds is asked of git once, and found again where the clone has gone."""

import shutil
from pathlib import Path

import pytest

from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import TargetError
from tests.adapters.workspace.target import Target

pytestmark = pytest.mark.slow
FILE = "prompts/extract.txt"


def test_what_was_read_needs_no_git_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(tmp_path / "target")
    workspace = GitWorkspace(target.folder, tmp_path / "work", "main")
    commit = target.commit({FILE: "First.\n"})
    blob = workspace.blob(commit, FILE)
    assert workspace.read(commit, FILE) == "First.\n"
    later = target.commit({FILE: "Second.\n"})
    assert workspace.read("main", FILE) == workspace.read(later, FILE) == "Second.\n"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (workspace.read(commit, FILE), workspace.blob(commit, FILE)) == ("First.\n", blob)
    with pytest.raises(TargetError, match="git is not installed"):
        workspace.read("main", FILE)  # a branch moves: it is asked for each time


def test_a_clone_that_has_gone_is_made_again(tmp_path: Path) -> None:
    target = Target(tmp_path / "target")
    workspace = GitWorkspace(target.folder, tmp_path / "work", "main")
    commit = target.commit({FILE: "First.\n", "more.txt": "More.\n"})
    assert workspace.read(commit, FILE) == "First.\n"
    shutil.rmtree(tmp_path / "work")
    assert workspace.read(commit, "more.txt") == "More.\n"
