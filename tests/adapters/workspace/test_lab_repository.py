"""The lab's repository: our files are committed by name, and the user's state stays as it was."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.workspace._scratch import scratch_folder
from adapters.workspace.lab_repository import LabRepository
from tests.adapters.workspace.target import WHEN

pytestmark = pytest.mark.slow
OURS = ("history/0/00_s/meta.json", "index.html", "journal.jsonl", "analysis/1_s/summary.txt")
IGNORED = "*.pyc\nsummary.txt\nhistory/\n"


@dataclass(frozen=True)
class UserRepository:
    """A lab in a repository of its user, with git as the user would type it."""

    root: Path

    def git(self, *args: str) -> str:
        who = ("-c", "user.name=Me", "-c", "user.email=me@localhost")
        done = subprocess.run(
            ["git", *who, *args], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout

    def write(self, path: str, text: str) -> int:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.write_text(text)

    def begin(self, *names: str) -> "UserRepository":
        """Initialize it with one commit of these files."""
        self.git("init", "-q", "-b", "main")
        self.write(".gitignore", IGNORED)
        for name in names:
            self.write(name, f"{name}, as committed\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "The user's own")
        return self

    def status(self, without: Sequence[str] = ()) -> list[str]:
        """Lines of `git status`, but those of some paths."""
        lines = self.git("status", "--porcelain", "-uall", "--no-renames").splitlines()
        return [line for line in lines if line[3:] not in without]

    def staged(self, without: Sequence[str] = ()) -> list[str]:
        """Every entry of the index, but those of some paths."""
        lines = self.git("ls-files", "-s", "-t", "--debug").splitlines()
        entries = [line for line in lines if not line.startswith("  ")]
        return [line for line in entries if line.partition("\t")[2] not in without]

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and ".git" not in path.parts
        }

    def committed(self) -> list[str]:
        """The paths that the newest commit changed."""
        names = self.git("show", "--root", "--name-only", "--no-renames", "--format=")
        return sorted(names.split())


def write_ours(user: UserRepository, text: str = "ours\n") -> None:
    for path in OURS:
        user.write(path, text)


def commit(user: UserRepository, paths: Sequence[str] = OURS) -> str | None:
    lab = LabRepository(user.root)
    lab.ensure()
    assert lab.find_obstacle() == ""
    return lab.commit(paths, "Iteration 1: a title", when=WHEN)


STATES: dict[str, Callable[[UserRepository, str], object]] = {
    "unchanged": lambda user, name: None,
    "edited": lambda user, name: user.write(name, "half-written"),
    "deleted": lambda user, name: (user.root / name).unlink(),
    "staged": lambda user, name: (user.write(name, "new"), user.git("add", "-f", name)),
    "staged and edited": lambda user, name: (
        user.write(name, "new"),
        user.git("add", "-f", name),
        user.write(name, "newer"),
    ),
    "removed": lambda user, name: user.git("rm", "-q", "--cached", name),
    "renamed": lambda user, name: user.git("mv", name, f"{name}.moved"),
    "untracked": lambda user, name: user.write(f"{name}.private", "secret"),
    "added": lambda user, name: (
        user.write(f"{name}.added", "new"),
        user.git("add", "-f", f"{name}.added"),
    ),
    "to be added": lambda user, name: (
        user.write(f"{name}.later", "new"),
        user.git("add", "-f", "-N", f"{name}.later"),
    ),
    "assumed unchanged": lambda user, name: (
        user.git("update-index", "--assume-unchanged", name),
        user.write(name, "unseen"),
    ),
    "made executable": lambda user, name: (user.root / name).chmod(0o755),
}
NAMES = ("a.txt", "notes/b c.txt", "history/0/00_s/mine.txt", "analysis/1_s/mine.md", "ü.txt")


@settings(max_examples=15)
@given(
    states=st.lists(st.sampled_from(sorted(STATES)), min_size=len(NAMES), max_size=len(NAMES)),
    tracked=st.booleans(),
    again=st.booleans(),
)
def test_whatever_the_user_has_changed_stays_exactly_so(
    states: list[str], tracked: bool, again: bool
) -> None:
    with TemporaryDirectory() as folder:
        user = UserRepository(Path(folder))
        user.git("init", "-q")
        user.git("config", "core.quotePath", "false")
        user.begin()
        for name in NAMES:
            user.write(name, f"{name}, as committed\n")
            user.git("add", "-f", name)
        if tracked:
            write_ours(user, "older\n")
            user.git("add", "-f", *OURS)
        user.git("commit", "-q", "-m", "More")
        for name, state in zip(NAMES, states, strict=True):
            STATES[state](user, name)
        write_ours(user)
        before = user.status(OURS), user.staged(OURS), user.files()
        commit(user)
        assert user.committed() == sorted(OURS)
        if again:
            write_ours(user, "ours, again\n")
            before = (*before[:2], user.files())
            commit(user)
            assert user.committed() == sorted(OURS)
        assert (user.status(), user.staged(OURS), user.files()) == before


def test_what_the_user_staged_of_our_own_files_stays_staged(tmp_path: Path) -> None:
    user = UserRepository(tmp_path).begin("index.html", "journal.jsonl")
    user.write("index.html", "staged by the user\n")
    user.git("add", "index.html")
    user.git("rm", "-q", "--cached", "journal.jsonl")
    write_ours(user)
    commit(user)
    assert user.committed() == sorted(OURS)
    assert user.git("show", ":index.html") == "staged by the user\n"
    assert user.git("show", "HEAD:index.html") == "ours\n"
    assert user.status() == ["MM index.html", "D  journal.jsonl", "?? journal.jsonl"]


def test_a_commit_that_ended_before_its_branch_moved_is_made_by_the_next(tmp_path: Path) -> None:
    user = UserRepository(tmp_path).begin("a.txt")
    write_ours(user)
    user.git("add", "-f", *OURS)  # what a killed command leaves: the index is ahead of HEAD
    commit(user)
    assert (user.committed(), user.status()) == (sorted(OURS), [])


def test_text_that_is_written_after_the_commit_is_in_it(tmp_path: Path) -> None:
    user = UserRepository(tmp_path).begin("a.txt")
    lab = LabRepository(tmp_path)
    lab.commit((), "One", when=WHEN, contents={"analysis/1_s/summary.txt": "YES\n"})
    assert user.status() == [" D analysis/1_s/summary.txt"]
    user.write("analysis/1_s/summary.txt", "YES\n")
    assert user.status() == []


def test_no_hook_runs_and_no_name_or_key_is_needed(tmp_path: Path) -> None:
    user = UserRepository(tmp_path).begin("a.txt")
    for hook in ("pre-commit", "commit-msg", "post-commit", "reference-transaction"):
        path = tmp_path / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\ntouch hook-has-run\nexit 1\n")
        path.chmod(0o755)
    for key, value in (
        ("commit.gpgSign", "true"),
        ("user.useConfigOnly", "true"),
        ("core.autocrlf", "true"),
        ("core.safecrlf", "true"),
    ):
        user.git("config", key, value)
    write_ours(user)
    commit(user)
    assert user.committed() == sorted(OURS)
    assert not (tmp_path / "hook-has-run").exists()
    assert user.git("log", "-1", "--format=%an %cn").strip() == "Prompt Lab Prompt Lab"


def test_a_detached_head_gets_the_commit_and_no_branch_moves(tmp_path: Path) -> None:
    user = UserRepository(tmp_path).begin("a.txt")
    main = user.git("rev-parse", "main")
    user.git("checkout", "-q", "--detach")
    write_ours(user)
    head = commit(user)
    assert user.git("rev-parse", "HEAD").strip() == head
    assert user.git("rev-parse", "main") == main
    assert user.git("rev-parse", "HEAD^") == main


def test_a_repository_without_a_commit_gets_its_first_one(tmp_path: Path) -> None:
    user = UserRepository(tmp_path)
    user.git("init", "-q", "-b", "main")
    assert commit(user, ()) is None
    user.write("a.txt", "staged")
    user.git("add", "a.txt")
    write_ours(user)
    commit(user)
    assert user.committed() == sorted(OURS)
    assert user.status() == ["A  a.txt"]


def _begin_merge(user: UserRepository) -> None:
    user.git("checkout", "-q", "-b", "other")
    user.write("a.txt", "theirs\n")
    user.git("commit", "-q", "-a", "-m", "Theirs")
    user.git("checkout", "-q", "main")
    user.write("a.txt", "mine\n")
    user.git("commit", "-q", "-a", "-m", "Mine")


@pytest.mark.parametrize(
    ("command", "named"),
    [("merge", "a merge"), ("rebase", "a rebase"), ("cherry-pick", "a cherry")],
)
def test_an_operation_in_progress_is_left_alone(tmp_path: Path, command: str, named: str) -> None:
    user = UserRepository(tmp_path).begin("a.txt")
    _begin_merge(user)
    with pytest.raises(subprocess.CalledProcessError):
        user.git(command, "other")
    write_ours(user)
    assert named in LabRepository(tmp_path).find_obstacle()
    user.git(command, "--abort")
    assert commit(user)
    assert user.committed() == sorted(OURS)


def test_a_git_command_of_the_user_that_holds_the_index_is_waited_for(tmp_path: Path) -> None:
    UserRepository(tmp_path).begin("a.txt")
    (tmp_path / ".git/index.lock").touch()
    assert "index.lock" in LabRepository(tmp_path).find_obstacle()


def test_files_behind_a_link_of_the_user_or_in_a_nested_repository_are_left_out(
    tmp_path: Path,
) -> None:
    user = UserRepository(tmp_path / "lab")
    user.root.mkdir()
    user.begin("a.txt")
    (tmp_path / "large disk").mkdir()
    (user.root / "history").symlink_to(tmp_path / "large disk")
    write_ours(user)
    commit(user, (*OURS, "outputs/.git/config", "gone.json"))
    assert user.committed() == sorted(OURS[1:])


@pytest.mark.parametrize("left", [(), ("hooks",), ("HEAD",), ("HEAD", "refs")])
def test_a_repository_cut_short_is_made_whole(tmp_path: Path, left: tuple[str, ...]) -> None:
    (tmp_path / ".git").mkdir()
    for name in left:
        path = tmp_path / ".git" / name
        if name == "HEAD":
            path.write_text("ref: refs/heads/main\n")
        else:
            path.mkdir()
    user = UserRepository(tmp_path)
    write_ours(user)
    commit(user)
    assert user.committed() == sorted(OURS)
    assert not (tmp_path / ".gitignore").exists()


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    user = UserRepository(tmp_path).begin("a.txt")
    write_ours(user)
    first = commit(user)
    config, exclude = tmp_path / ".git/config", tmp_path / ".git/info/exclude"
    before = config.read_text(), exclude.read_text()
    assert commit(user) == first
    assert (tmp_path / ".gitignore").read_text() == IGNORED
    assert (config.read_text(), exclude.read_text()) == before


def test_the_folder_of_a_process_that_was_killed_is_removed_and_that_of_a_live_one_stays(
    tmp_path: Path,
) -> None:
    code = (
        "import os, sys\n"
        "from adapters.workspace._scratch import scratch_folder\n"
        "with scratch_folder(sys.argv[1]) as folder:\n"
        "    print(folder, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    with scratch_folder(tmp_path) as first:
        assert not left.exists()
        with scratch_folder(tmp_path) as second:
            assert Path(first).is_dir()
            assert first != second
    assert not list(tmp_path.iterdir())


def test_many_files_become_one_pack_and_no_loose_object_each(tmp_path: Path) -> None:
    user = UserRepository(tmp_path / "lab")
    paths = [f"history/0/00_s/outputs/plan_{n}.txt" for n in range(60)]
    for path in paths:
        user.write(path, f"the answer of {path}\n")
    repository = LabRepository(user.root)
    repository.ensure()
    assert repository.commit(paths, "Iteration 1", when=WHEN) is not None
    counts = dict(line.split(": ") for line in user.git("count-objects", "-v").splitlines())
    assert (counts["in-pack"], counts["packs"]) == ("60", "1")
    assert int(counts["count"]) < 10  # the commit, and a tree for each folder
    assert user.git("show", f"HEAD:{paths[7]}") == f"the answer of {paths[7]}\n"
    assert user.status() == []
    user.git("fsck", "--strict")
