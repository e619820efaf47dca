"""The workspace on plain git: a bare clone of our own, and detached worktrees of it."""

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from adapters.git import Git, branch_head, one_at_a_time
from adapters.workspace import _copies, _trees
from adapters.workspace import _trees as _beside
from adapters.workspace import _trees as _content
from adapters.workspace._copies import keep_ref_name, publish
from prompt_lab.errors import NoSuchCommit, TargetError
from prompt_lab.propose.budget import ChangedFile

_FULL = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class GitWorkspace:
    """ports.Workspace for a repository on this machine; all that it writes is under `work`.

    The user's checkout, index and branches are only read. The one thing written there is the
    new branch of `commit_files`.
    """

    def __init__(self, repository: Path, work: Path, main: str) -> None:
        self._repository = repository
        self._work = work
        self._main = main
        self._target = Git(repository, ours=False)
        self._clone = Git(work / "clone.git")
        self._held: set[str] = set()

    def check(self) -> None:
        """Raise TargetError where the repository cannot be improved as it is."""
        where = f"the target {self._repository}"
        if self._repository.exists() and not self._repository.is_dir():
            raise TargetError(f"{where} is no folder: correct 'repository' in its config")
        if not self._repository.is_dir():
            raise TargetError(f"{where} does not exist: correct 'repository' in its config")
        if not _is_repository(self._repository):
            raise TargetError(f"{where} is no git repository: run 'git init' and commit there")
        if branch_head(self._target, self._main) is None:
            raise TargetError(
                f"{where} has no branch {self._main!r} with a commit:"
                " make it, or correct 'main' in its config"
            )
        if self._target("rev-parse", "--is-bare-repository") == "false":
            self._check_clean(where)

    def _check_clean(self, where: str) -> None:
        status = self._target("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
        names = [entry[3:] for entry in status.split("\0") if entry]
        if names:
            shown = ", ".join(repr(name) for name in names[:5])
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise TargetError(
                f"{where} has uncommitted changes in {shown}{more}: run 'git commit' or"
                " 'git stash' there"
            )

    def resolve(self, ref: str) -> str:
        """The full commit id, asked of the target each time, since branches move."""
        if _FULL.fullmatch(ref) and self._holds(ref):
            return ref
        commit = None
        if ref and not ref.startswith("-"):
            commit = branch_head(self._target, ref) or self._target.ask(
                "rev-parse", "-q", "--verify", f"{ref}^{{commit}}"
            )
        if commit is None:
            raise NoSuchCommit(f"{self._repository}: there is no branch, tag or commit {ref!r}")
        self._fetch(commit)
        return commit

    def message(self, commit: str) -> str:
        """What a commit says."""
        return self._clone("log", "-1", "--format=%B", self.resolve(commit))

    def blob(self, commit: str, path: str) -> str | None:
        """Git blob id of a file at a commit; None where it has none."""
        return _content.entry(self._clone, self.resolve(commit), path)[1]

    def blobs(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """path -> blob id at a commit, of those that are files there; one call of git for all."""
        known = _content.blobs(self._clone, self.resolve(commit))
        return {path: known[path] for path in sorted(set(paths)) if path in known}

    def read(self, commit: str, path: str) -> str:
        """Text of a file at a commit. Raises TargetError where it has none or it is not UTF-8."""
        blob = self.blob(commit, path)
        if blob is None:
            raise TargetError(f"{self._repository}: {path!r} is no file at commit {commit!r}")
        try:
            return _content.content(self._clone, blob).decode("utf-8")
        except UnicodeDecodeError as error:
            raise TargetError(
                f"{self._repository}: {path!r} at commit {commit!r} is not UTF-8 text"
            ) from error

    def worktree(self, commit: str) -> Path:
        """A detached worktree at that commit, made on first use and never repaired after."""
        path = self._work / "trees" / commit
        if not _trees.usable(path, self._clone.folder):
            commit = self.resolve(commit)
            path = self._work / "trees" / commit
            with self._locked():
                _trees.make(self._clone, path, commit)
        return path

    def put_back(self, commit: str) -> Path:
        """The worktree at that commit as the commit has it: nothing of earlier runs is kept."""
        commit = self.resolve(commit)
        path = self._work / "trees" / commit
        with self._locked():
            _trees.put_back(self._clone, path, commit)
        return path

    def tidy(self, commit: str) -> None:
        """Take away what git ignores there; what else is not the commit's stays to be seen."""
        Git(self.worktree(commit))("clean", "-q", "-X", "-ff", "-d")

    def observe(self, worktree: Path) -> tuple[str, bool]:
        """(HEAD, tree is clean) as it is now; untracked and ignored files count."""
        head, dirt = _trees.state(worktree)
        return head, not dirt

    def dirt(self, worktree: Path) -> tuple[str, ...]:
        """The paths that make a worktree unclean."""
        return _trees.state(worktree)[1]

    def commit_files(
        self,
        base: str,
        branch: str,
        files: Mapping[str, str],
        *,
        message: str,
        when: str,
        append: bool = False,
    ) -> str:
        """One commit on top of `base`, as branch `branch` of the target; equal calls, equal id.

        With `append` a branch that stands at `base` is moved on. Raises TargetError if the branch
        exists at any other commit.
        """
        self._check_name(branch)
        base = self.resolve(base)
        with self._locked():
            commit = _content.write_commit(self._clone, base, files, message=message, when=when)
            publish(self._target, self._clone, branch, commit, old=base if append else "")
        return commit

    def revert(
        self, base: str, branch: str, commit: str, *, since: str = "", message: str, when: str
    ) -> str:
        """A new branch on top of `base` with one commit that takes `commit` back.

        Of a merge that is what it brought in; with `since`, all commits after that one are taken
        back with it. Raises TargetError that names what conflicts, or where nothing is left.
        """
        self._check_name(branch)
        base, commit = self.resolve(base), self.resolve(commit)
        taken = f"{self.resolve(since)}..{commit}" if since else commit
        with self._locked():
            made = _beside.revert_commit(self._clone, base, taken, message=message, when=when)
            publish(self._target, self._clone, branch, made, old="")
        return made

    def merge_commit(self, base: str, commit: str) -> str:
        """What a merge would leave, as a commit of our own; `commit` itself where it has `base`.

        `base` where that has `commit`. Raises MergeConflict that names the files.
        """
        base, commit = self.resolve(base), self.resolve(commit)
        with self._locked():
            made = _beside.merge_commit(self._clone, base, commit)
            self._clone("update-ref", keep_ref_name(made), made)
        return made

    def export(self, commit: str, folder: Path) -> None:
        """The files of a commit in a new folder, which is a repository of its own."""
        _copies.export(self._clone, self.resolve(commit), folder)

    def take(self, base: str, folder: Path, *, message: str, when: str) -> str:
        """What the folder holds now, as a commit on `base` that the target knows nothing of."""
        base = self.resolve(base)
        with self._locked():
            commit = _copies.take(self._clone, base, folder, message=message, when=when)
            self._clone("update-ref", keep_ref_name(commit), commit)
        return commit

    def changes(self, base: str, commit: str) -> tuple[ChangedFile, ...]:
        """Every file that differs between two commits."""
        return _copies.changes(self._clone, self.resolve(base), self.resolve(commit))

    def contents(self, base: str, commit: str) -> dict[str, tuple[bytes, bytes]]:
        """path -> its bytes before and after, of every file that differs."""
        return _copies.contents(self._clone, self.resolve(base), self.resolve(commit))

    def publish(self, commit: str, branch: str) -> None:
        """Give the target a branch at a commit of ours. Raises TargetError where it has another."""
        self._check_name(branch)
        with self._locked():
            publish(self._target, self._clone, branch, self.resolve(commit), old="")

    def diff(self, base: str, commit: str) -> str:
        """Unified diff between two commits, as text; renames are shown as such."""
        ends = (self.resolve(base), self.resolve(commit))
        return self._clone.raw("diff-tree", "-p", "-M", "--no-color", *ends).decode(
            "utf-8", "replace"
        )

    def _check_name(self, branch: str) -> None:
        if self._target.ask("check-ref-format", f"refs/heads/{branch}") is None:
            raise TargetError(f"{branch!r} is no name that git allows for a branch")

    def _holds(self, commit: str) -> bool:
        if not (self._clone.folder / "HEAD").is_file():
            self._held.clear()
            return False
        if (
            commit not in self._held
            and self._clone.ask("rev-parse", "-q", "--verify", keep_ref_name(commit)) == commit
        ):
            self._held.add(commit)
        return commit in self._held

    def _fetch(self, commit: str) -> None:
        if self._holds(commit):
            return
        with self._locked():
            _trees.ensure_clone(self._clone.folder)
            # Read under the user's own settings, which say whose repositories git may trust.
            Git(self._clone.folder, ours=False)(
                "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--update-shallow",
                str(self._repository.resolve()), f"+{commit}:{keep_ref_name(commit)}",
            )  # fmt: skip

    def _locked(self) -> AbstractContextManager[None]:
        """One process at a time changes the clone and makes worktrees."""
        return one_at_a_time(self._work / "clone.lock")


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists() or (folder / "HEAD").is_file()
