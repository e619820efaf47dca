"""Private copies: whole, apart from the target, and read back with every kind of change."""

import os
from pathlib import Path

import pytest

from adapters.git import Git
from adapters.workspace.git import GitWorkspace
from prompt_lab.agents.port import Copies
from prompt_lab.errors import TargetError
from prompt_lab.propose.budget import EXECUTABLE, LINK, NO_FILE, ChangedFile

pytestmark = pytest.mark.slow
WHEN = "2026-01-02T03:04:05Z"
TESTS = "def test_a():\n    pass\n\n\ndef test_b():\n    pass\n"
Made = tuple[GitWorkspace, Path, str, Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """(workspace, the target, its commit, a copy of that)."""
    target = tmp_path / "target"
    (target / "tests").mkdir(parents=True)
    (target / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    (target / "tests/test_a.py").write_text(TESTS)
    (target / ".gitignore").write_text("*.log\n")
    (target / "run.sh").write_text("true\n")
    (target / "run.sh").chmod(0o755)
    git = Git(target)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("-c", "user.name=O", "-c", "user.email=o@localhost", "commit", "-q", "-m", "As it was")
    workspace = GitWorkspace(target, tmp_path / "work", "main")
    commit = workspace.resolve("main")
    workspace.export(commit, tmp_path / "copy")
    return workspace, target, commit, tmp_path / "copy"


def taken(made: Made) -> dict[str, ChangedFile]:
    workspace, _, base, copy = made
    commit = workspace.take(base, copy, message="m", when=WHEN)
    return {change.path: change for change in workspace.changes(base, commit)}


def test_a_copy_is_whole_and_a_repository_of_its_own(made: Made) -> None:
    workspace, target, commit, copy = made
    assert isinstance(workspace, Copies)
    assert (copy / "a.txt").read_text() == (target / "a.txt").read_text()
    assert os.access(copy / "run.sh", os.X_OK)
    assert Git(copy)("status", "--porcelain") == ""
    assert Git(copy)("rev-parse", "HEAD") != commit
    assert taken(made) == {}


def test_each_kind_of_change(made: Made) -> None:
    copy = made[3]
    (copy / "a.txt").write_text("one\n2\nthree\nfour\n")
    (copy / "tests/test_a.py").write_text("def test_b():\n    pass\n")
    (copy / "run.sh").chmod(0o644)
    (copy / "new.txt").write_text("x\ny\n")
    (copy / "led").symlink_to("/etc/passwd")
    (copy / "data.bin").write_bytes(b"\0\1\2")
    (copy / "seen.log").write_text("ignored")
    (copy / 'odd "name"\t.txt').write_text("x\n")
    assert taken(made) == {
        "a.txt": ChangedFile("a.txt", added=1, removed=1),
        "tests/test_a.py": ChangedFile("tests/test_a.py", removed=4, lost_tests=("test_a",)),
        "run.sh": ChangedFile("run.sh", EXECUTABLE),
        "new.txt": ChangedFile("new.txt", NO_FILE, added=2),
        "led": ChangedFile("led", NO_FILE, LINK, added=1),
        "data.bin": ChangedFile("data.bin", NO_FILE, binary=True),
        'odd "name"\t.txt': ChangedFile('odd "name"\t.txt', NO_FILE, added=1),
    }


def test_deletion_and_rename(made: Made) -> None:
    copy = made[3]
    (copy / "a.txt").rename(copy / "b.txt")
    (copy / "tests/test_a.py").unlink()
    assert taken(made) == {
        "b.txt": ChangedFile("b.txt", renamed_from="a.txt"),
        "tests/test_a.py": ChangedFile(
            "tests/test_a.py", "100644", NO_FILE, removed=6, lost_tests=("test_a", "test_b")
        ),
    }


def test_the_contents_of_each_file_that_differs(made: Made) -> None:
    workspace, _, base, copy = made
    (copy / "a.txt").rename(copy / "b\n.txt")
    (copy / "run.sh").write_bytes(b"\xff\r\n")
    (copy / "led").symlink_to("/etc/passwd")
    commit = workspace.take(base, copy, message="m", when=WHEN)
    was = b"one\ntwo\nthree\nfour\n"
    assert workspace.contents(base, commit) == {
        "a.txt": (was, b""),
        "b\n.txt": (b"", was),
        "run.sh": (b"true\n", b"\xff\r\n"),
        "led": (b"", b"/etc/passwd"),
    }


def test_what_an_agent_does_with_git_is_of_no_effect(made: Made) -> None:
    _, target, _, copy = made
    own = Git(copy)
    (copy / "a.txt").write_text("mine\n")
    own("-c", "user.name=A", "-c", "user.email=a@localhost", "commit", "-qam", "Mine")
    (copy / ".git/hooks/pre-commit").write_text("#!/bin/sh\ntouch /hooked\n")
    (copy / ".git/info/exclude").write_text("*\n")
    (copy / ".git/config").write_text('[core]\n\tfsmonitor = "touch hooked"\n')
    assert set(taken(made)) == {"a.txt"}
    assert not (copy / "hooked").exists()
    assert Git(target)("rev-list", "--count", "--all") == "1"


def test_a_repository_inside_is_not_taken(made: Made) -> None:
    copy = made[3]
    (copy / "inner").mkdir()
    inner = Git(copy / "inner")
    inner("init", "-q")
    with pytest.raises(TargetError, match="inner"):
        taken(made)
    (copy / "inner/kept.txt").write_text("x\n")
    inner("add", "-A")
    inner("-c", "user.name=A", "-c", "user.email=a@localhost", "commit", "-qm", "Mine")
    assert taken(made)["inner"].mode_after == "160000"


def test_only_a_published_commit_is_in_the_target(made: Made) -> None:
    workspace, target, base, copy = made
    (copy / "a.txt").write_text("mine\n")
    commit = workspace.take(base, copy, message="m", when=WHEN)
    assert workspace.take(base, copy, message="m", when=WHEN) == commit
    assert Git(target).ask("cat-file", "-e", commit) is None
    workspace.publish(commit, "agent/one")
    workspace.publish(commit, "agent/one")
    assert Git(target)("rev-parse", "agent/one") == commit
    assert Git(target)("show", "agent/one:a.txt") == "mine"
    with pytest.raises(TargetError, match="exists already"):
        workspace.publish(base, "agent/one")
    with pytest.raises(TargetError, match="no name"):
        workspace.publish(commit, "no..name")
