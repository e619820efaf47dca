"""Files of the target's commits as a checkout has them: ids, texts, and what is wrong with them."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from adapters.git import Git
from adapters.workspace import _trees as _content
from adapters.workspace._checked_out import CheckedOut, attribute_files
from adapters.workspace._filters import copy_filters, has_lfs
from adapters.workspace._located import SUBMODULE, Located, MissingSubmodule, locate
from adapters.workspace._submodules import fetch_submodule
from adapters.workspace._trees import other_files
from prompt_lab.errors import TargetError
from prompt_lab.prompts.files import decode_text, encode_text, pointer_command
from prompt_lab.propose.budget import LINK

_AGAIN = "then run the same command again"


class TargetFiles:
    """Reads files of commits that the clone holds. `lock` keeps other processes off the clone."""

    def __init__(
        self, clone: Git, target: Git, lock: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._clone, self._target, self._lock = clone, target, lock
        self._checked_out = CheckedOut(clone)
        self._has_filters = False

    def copy_filters(self) -> None:
        """Take over the user's filter drivers, once a process. The caller holds the lock."""
        if not self._has_filters:
            copy_filters(self._clone, self._target)
            self._has_filters = True

    def fetch_submodule(self, path: str, commit: str) -> bool:
        """Whether the clone has a submodule's commit now. The caller holds the lock."""
        return fetch_submodule(self._clone, self._target, path, commit)

    def ids(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """path -> blob id of the content, of those paths that are files at a commit."""
        located = {}
        for path in sorted(set(paths)):
            try:
                file = self._locate(commit, path)
            except TargetError:
                file = None
            if file is not None:
                located[path] = file
        self._prepare()
        ids = self._checked_out.ids(located.values())
        return {path: ids[file] for path, file in located.items()}

    def stored_ids(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """path -> blob id that the commit itself has, of those paths that are files or links."""
        tree = _content.entries(self._clone, commit)
        found = {path: tree[path] for path in sorted(set(paths)) if path in tree}
        return {path: blob for path, (mode, blob) in found.items() if mode != SUBMODULE}

    def text(self, commit: str, path: str, *, stored: bool = False) -> str:
        """A file's text. Raises TargetError where there is none, or it is no text."""
        file = self._existing(commit, path)
        data = _content.content(self._clone, file.blob) if stored else self._content(file)
        try:
            return decode_text(data)
        except UnicodeDecodeError as error:
            raise TargetError(
                f"{self._target.folder}: {path!r} at commit {commit!r} is not UTF-8 text"
                f"{self._encoding(file)}"
            ) from error

    def check(self, commit: str, paths: Iterable[str]) -> None:
        """Raises TargetError for a file that no run could read as it is meant, with the command."""
        for path in sorted(set(paths)):
            file = self._locate(commit, path)
            pointer = pointer_command(self._content(file)) if file else None
            if pointer:
                what, command = pointer
                raise TargetError(
                    f"{self._target.folder}: {path!r} at commit {commit[:12]} is {what}, not the"
                    f" file itself: {self._fetch_command(command, commit)}, {_AGAIN}"
                )

    def to_write(
        self, base: str, files: Mapping[str, str]
    ) -> dict[str, tuple[Located | None, bytes]]:
        """path -> (the file at `base`, if it is there; the new content in that file's encoding)."""
        found: dict[str, tuple[Located | None, bytes]] = {}
        for path, text in files.items():
            file = self._locate(base, path)
            if file is not None and file.commit != base:
                raise TargetError(
                    f"{self._target.folder}: {path!r} is in a submodule, which a commit of the "
                    "target cannot change: change it on a branch, and name that with --branch"
                )
            old = self._content(file) if file else b""
            found[path] = (file, encode_text(text, like=old))
        return found

    def unchanged(self, worktree: Path, commit: str, paths: Iterable[str]) -> set[str]:
        """Those paths of a worktree that hold what git checks out of the commit, whatever it says.

        Git takes a file for changed that it would store in another form than the commit does.
        """
        if not attribute_files(self._clone, commit):
            return set()
        found = set()
        for path, blob in self.ids(commit, paths).items():
            file, there = self._existing(commit, path), worktree / path
            mode = "100755" if os.access(there, os.X_OK) else "100644"
            if file.path == path and mode == file.mode and not other_files(worktree, {path: blob}):
                found.add(path)
        return found

    def content_as_text(self, commit: str, path: str, stored: bytes) -> bytes:
        """What a checkout has in the place of the stored bytes of a file, text as UTF-8."""
        mode, blob = _content.entries(self._clone, commit).get(path, ("", ""))
        if mode in ("", LINK, SUBMODULE) or not attribute_files(self._clone, commit):
            return stored
        data = self._content(Located(commit, path, mode, blob))
        try:
            return decode_text(data).encode()
        except UnicodeDecodeError:
            return data

    def _existing(self, commit: str, path: str) -> Located:
        file = self._locate(commit, path)
        if file is None:
            raise TargetError(f"{self._target.folder}: {path!r} is no file at commit {commit!r}")
        return file

    def _content(self, file: Located) -> bytes:
        self._prepare()
        [(_, data)] = self._checked_out.contents([file])
        return data

    def _locate(self, commit: str, path: str) -> Located | None:
        """See locate(). Raises TargetError with the command that brings what is missing."""
        where = f"{self._target.folder}: "
        try:
            return locate(self._clone, commit, path, self._fetch_locked)
        except MissingSubmodule as error:
            place = self._target.folder / error.submodule
            command = f"git -C {self._target.folder} submodule update --init {error.submodule}"
            if (place / ".git").exists():
                command = f"git -C {place} fetch"
            raise TargetError(
                f"{where}{error} at commit {commit[:12]}: run '{command}', {_AGAIN}"
            ) from error
        except TargetError as error:
            raise TargetError(
                f"{where}{error} (at commit {commit[:12]}): put the file itself there"
            ) from error

    def _fetch_locked(self, path: str, commit: str) -> bool:
        with self._lock():
            return self.fetch_submodule(path, commit)

    def _prepare(self) -> None:
        if not self._has_filters:
            with self._lock():
                self.copy_filters()

    def _fetch_command(self, command: str, commit: str) -> str:
        """What fetches the content of a pointer; 'git lfs pull' does so for HEAD alone."""
        target = self._target
        head = target.ask("rev-parse", "-q", "--verify", "HEAD")
        if command == "lfs pull" and head != commit:
            command = f"lfs fetch origin {commit[:12]}"
        run = f"run 'git -C {target.folder} {command}'"
        if command.startswith("lfs") and not has_lfs(target):
            return f"install Git LFS, run 'git lfs install', {run}"
        return run

    def _encoding(self, file: Located) -> str:
        attribute = self._checked_out.attribute(file, "working-tree-encoding")
        return (
            f" but {attribute}, by its working-tree-encoding in .gitattributes" if attribute else ""
        )
