"""The workspace on plain git: a bare clone of our own, and detached worktrees of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from adapters.git import Git, branch_head, check_common_history, one_at_a_time
from adapters.workspace import _copies, _shallow, _trees
from adapters.workspace import _trees as _beside
from adapters.workspace._check import check_target
from adapters.workspace._copies import fetch_commit, keep_ref_name, publish
from adapters.workspace._files import TargetFiles
from adapters.workspace._submodules import check_out_submodules
from adapters.workspace._write import write_commit
from prompt_lab.errors import NoSuchCommit, TargetError
from prompt_lab.propose.budget import ChangedFile

_FETCHED = ("refs/remotes/", "refs/prefetch/", "refs/stash")
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
        self._files = TargetFiles(self._clone, self._target, self._locked)
        self._held: set[str] = set()

    def check(self) -> None:
        """Raise TargetError where the repository cannot be improved as it is."""
        check_target(self._target, self._main)

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
            raise NoSuchCommit(
                f"{self._repository}: there is no branch, tag or commit {ref!r}"
                + _shallow.describe_missing(self._target, ref)
            )
        self._fetch(commit)
        return commit

    def refs(self) -> dict[str, str]:
        """ref -> object id of the user's repository, but for what a fetch or a stash changes."""
        listed = self._target("for-each-ref", "--format=%(objectname) %(refname)")
        found = (line.partition(" ") for line in listed.splitlines())
        return {name: commit for commit, _, name in found if not name.startswith(_FETCHED)}

    def message(self, commit: str) -> str:
        """What a commit says."""
        return self._clone("log", "-1", "--format=%B", self.resolve(commit))

    def blob(self, commit: str, path: str) -> str | None:
        """Git blob id of a file as it is checked out at a commit; None where there is none."""
        return self.blobs(commit, [path]).get(path)

    def blobs(self, commit: str, paths: Iterable[str], *, stored: bool = False) -> dict[str, str]:
        """path -> blob id as checked out (or `stored`) at a commit, of paths that are files."""
        commit = self.resolve(commit)
        return self._files.stored_ids(commit, paths) if stored else self._files.ids(commit, paths)

    def read(self, commit: str, path: str, *, stored: bool = False) -> str:
        """Text of a file as checked out (or `stored`). Raises TargetError where there is none."""
        return self._files.text(self.resolve(commit), path, stored=stored)

    def check_files(self, commit: str, paths: Iterable[str]) -> None:
        """Raises TargetError for a pointer, a submodule that is missing, a link that leads out."""
        self._files.check(self.resolve(commit), paths)

    def check_worktree(self, commit: str, paths: Iterable[str]) -> None:
        """Raises TargetError where a clean worktree holds other files than git checks out now.

        One from before a file was fetched, or a filter configured, is made again.
        """
        commit = self.resolve(commit)
        tree, wanted = self.worktree(commit), self.blobs(commit, paths)
        for last in (False, True):
            wrong = _trees.other_files(tree, wanted)
            if not wrong or self._state(tree) != (commit, ()):
                return  # what others changed is for the evidence to find
            if not last:
                self._make(commit, _trees.make_again)
        raise TargetError(
            f"{self._repository}: git checks {wrong[0]!r} out with another content each time: see"
            " the filter that .gitattributes names for it"
        )

    def worktree(self, commit: str) -> Path:
        """A detached worktree at that commit, made on first use and never repaired after."""
        path = self._work / "trees" / commit
        if not _trees.usable(path, self._clone.folder):
            return self._make(self.resolve(commit))
        return path

    def put_back(self, commit: str) -> Path:
        """The worktree at that commit as the commit has it: nothing of earlier runs is kept."""
        return self._make(self.resolve(commit), _trees.put_back)

    def _make(self, commit: str, make: Callable[[Git, Path, str], None] = _trees.make) -> Path:
        path = self._work / "trees" / commit
        with self._locked():
            self._files.copy_filters()
            make(self._clone, path, commit)
            check_out_submodules(self._clone, path, commit, self._files.fetch_submodule)
        return path

    def tidy(self, commit: str) -> None:
        """Take away what git ignores there; what else is not the commit's stays to be seen."""
        _trees.clean(self.worktree(commit), "-X")

    def observe(self, worktree: Path) -> tuple[str, bool]:
        """(HEAD, tree is clean) as it is now; untracked and ignored files count."""
        head, dirt = self._state(worktree)
        return head, not dirt

    def dirt(self, worktree: Path) -> tuple[str, ...]:
        """The paths that make a worktree unclean."""
        return self._state(worktree)[1]

    def _state(self, worktree: Path) -> tuple[str, tuple[str, ...]]:
        head, dirt = _trees.state(worktree)
        same = self._files.unchanged(worktree, head, dirt) if dirt else set()
        return head, tuple(path for path in dirt if path not in same)

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
        contents = self._files.to_write(base, files)
        with self._locked():
            commit = write_commit(self._clone, base, contents, message=message, when=when)
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
            _shallow.deepen(self._clone, self._target, commit)
            _shallow.check_parents(self._clone, self._target, taken)
            made = _beside.revert_commit(self._clone, base, taken, message=message, when=when)
            publish(self._target, self._clone, branch, made, old="")
        return made

    def merge_commit(self, base: str, commit: str) -> str:
        """What a merge would leave, as a commit of our own; `commit` itself where it has `base`.

        `base` where that has `commit`. Raises MergeConflict that names the files.
        """
        base, commit = self.resolve(base), self.resolve(commit)
        with self._locked():
            _shallow.deepen(self._clone, self._target, commit)
            check_common_history(self._clone, self._target, (base, commit))
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
        """path -> its bytes before and after as checked out, of every file that differs."""
        base, commit = self.resolve(base), self.resolve(commit)
        as_text = self._files.content_as_text
        return {
            path: (as_text(base, path, before), as_text(commit, path, after))
            for path, (before, after) in _copies.contents(self._clone, base, commit).items()
        }

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
            fetch_commit(self._clone, self._repository, commit)

    def _locked(self) -> AbstractContextManager[None]:
        """One process at a time changes the clone and makes worktrees."""
        return one_at_a_time(self._work / "clone.lock")
