"""Plain git in a process of its own, the same on every machine: used by workspace and code_host."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from prompt_lab.errors import LabBusy, LabError, TargetError
from prompt_lab.store.files import disk_errors

NAME = "Prompt Lab"
EMAIL = "prompt-lab@localhost"
LIMIT_SECONDS = 600

# Given on the command line because a repository's own config cannot override it there.
_ALWAYS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "core.safecrlf": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.version": "2",
}
# ~/.config/git/ignore and attributes are read even where no global config is.
_OURS = {"core.autocrlf": "false", "core.excludesFile": "", "core.attributesFile": ""}


@dataclass(frozen=True)
class Git:
    """Git in one folder.

    `ours` is False for the user's own checkout: there the user's line endings, filters and
    safe.directory hold; everywhere else no setting of the user or the system does.
    No hook ever runs. A failure raises `raises` with git's own words.
    """

    folder: Path
    ours: bool = True
    raises: type[LabError] = TargetError

    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        """Standard output without the last line end; text that is not UTF-8 is marked in it."""
        return self.raw(*args, env=env).decode("utf-8", "replace").removesuffix("\n")

    def raw(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        no_is_fine: bool = False,
    ) -> bytes:
        """Standard output as it came; `no_is_fine`: also where git answers 'no' (exit code 1)."""
        done = self._run(args, stdin, env)
        if done.returncode > (1 if no_is_fine else 0) or done.returncode < 0:
            raise self._failure(args, done)
        return done.stdout

    def ask(self, *args: str, env: Mapping[str, str] | None = None) -> str | None:
        """Standard output, or None where git answers 'no' (exit code 1)."""
        done = self._run(args, b"", env)
        if done.returncode == 1:
            return None
        if done.returncode:
            raise self._failure(args, done)
        return done.stdout.decode("utf-8", "replace").removesuffix("\n")

    def _run(
        self, args: tuple[str, ...], stdin: bytes, env: Mapping[str, str] | None
    ) -> subprocess.CompletedProcess[bytes]:
        settings = {**_ALWAYS, **(_OURS if self.ours else {})}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        try:
            return subprocess.run(
                ["git", *options, *args],
                cwd=self.folder,
                input=stdin,
                env={**self._environment(), **(env or {})},
                capture_output=True,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise self.raises(f"{self.folder}: there is no such folder") from error
            raise self.raises("git is not installed, or not on the PATH: install it") from error
        except OSError as error:
            raise self.raises(f"{self.folder}: git cannot start: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise self.raises(
                f"{self.folder}: 'git {args[0]}' did not end in {LIMIT_SECONDS} seconds"
            ) from error

    def _environment(self) -> dict[str, str]:
        # A git hook that starts us leaves GIT_DIR and GIT_INDEX_FILE behind: none of it is kept.
        # Nor is a token: who needs one gets it by `env`.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_", "GH_"))}
        own = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
        }
        return {
            **kept,
            **(own if self.ours else {}),
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            # A folder that is no repository must not be taken for the one that it lies in.
            "GIT_CEILING_DIRECTORIES": str(self.folder.resolve().parent),
        }

    def _failure(self, args: tuple[str, ...], done: subprocess.CompletedProcess[bytes]) -> LabError:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        return self.raises(f"{self.folder}: 'git {args[0]}' failed: {said}")


def signed(when: str) -> dict[str, str]:
    """The environment of a commit made by us at `when` (ISO 8601; UTC where it names no zone)."""
    time = datetime.fromisoformat(when)
    stamp = f"@{int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())} +0000"
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", NAME), ("EMAIL", EMAIL), ("DATE", stamp))
    }


def hand_over(target: Git, source: Path, ref: str) -> None:
    """Copy a commit of ours and all that it needs to the user's repository, under no name."""
    target("fetch", "-q", "--no-tags", "--no-write-fetch-head", str(source), ref)


def branch_head(repository: Git, branch: str) -> str | None:
    """The commit that a branch stands at; None where there is no such branch."""
    return repository.ask("rev-parse", "-q", "--verify", f"refs/heads/{branch}^{{commit}}")


def checkout_of(repository: Git, branch: str) -> Path | None:
    """The checkout or worktree that stands on a branch; None where none does."""
    folder = None
    for line in repository("worktree", "list", "--porcelain").splitlines():
        if line.startswith("worktree "):
            folder = Path(line.removeprefix("worktree "))
        elif line == f"branch refs/heads/{branch}" and folder is not None and folder.is_dir():
            return folder
    return None


def create_scratch_repository(source: Git, folder: Path) -> Git:
    """A new repository at `folder` that reads the objects of `source`, be its history shallow.

    'git clone --shared' copies a shallow repository, and only what its branches reach.
    """
    kind = source.ask("config", "extensions.objectFormat")
    source("init", "-q", *((f"--object-format={kind}",) if kind else ()), str(folder))
    own = folder / ".git"
    alternates = own / "objects" / "info" / "alternates"
    alternates.write_text(f"{git_path(source, 'objects')}\n", encoding="utf-8")
    shallow = git_path(source, "shallow")
    if shallow.is_file():
        shutil.copyfile(shallow, own / "shallow")
    return Git(folder, raises=source.raises)


def git_path(repository: Git, name: str) -> Path:
    """Where a repository keeps a file of its own; that of its main repository in a worktree."""
    return (repository.folder / repository("rev-parse", "--git-path", name)).resolve()


def shallow_commits(repository: Git) -> frozenset[str]:
    """The commits whose parents a shallow repository lacks; none where its history is whole."""
    try:
        return frozenset(git_path(repository, "shallow").read_text(encoding="ascii").split())
    except FileNotFoundError:
        return frozenset()


def describe_unshallow(target: Git, branch: str = "") -> str:
    """The words that name the command which fetches what a shallow repository lacks."""
    command = f"git -C {target.folder} fetch --unshallow"
    if branch:
        remotes = target("remote").splitlines()
        remote = "origin" if "origin" in remotes or not remotes else remotes[0]
        command += f" {remote} {branch}:{branch}"
    return f"run '{command}', then run the same command again"


def check_common_history(repository: Git, target: Git, ends: tuple[str, str]) -> None:
    """Raises the error of `target` where two commits cannot be merged since no commit is common.

    `repository` holds the commits, `target` is the user's repository that they come from.
    """
    if repository.ask("merge-base", *ends) is not None:
        return
    one, other = (end[:12] for end in ends)
    if shallow_commits(repository):
        raise target.raises(
            f"{target.folder}: is a shallow clone and lacks the commit at which {one} and {other}"
            f" parted, so they cannot be merged: {describe_unshallow(target)}"
        )
    raise target.raises(
        f"{target.folder}: {one} and {other} have no commit in common, so they cannot be merged:"
        " make the branch from main"
    )


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Keep other processes and threads out until the block ends. Raises LabBusy or StoreError."""
    with disk_errors(lock.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock, timeout=LIMIT_SECONDS):
                yield
        except Timeout as error:
            raise LabBusy(
                f"{lock}: held by another process for over {LIMIT_SECONDS} seconds. End that one."
            ) from error
