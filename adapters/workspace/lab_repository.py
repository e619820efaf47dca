"""The lab's own git repository: commits exactly the files that Prompt Lab wrote, by name."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from adapters.git import Git, signed
from adapters.workspace._scratch import scratch_folder
from adapters.workspace.lab_exclude import ANYWHERE, exclude_lab_files, exclude_paths
from prompt_lab.errors import LabError, StoreError
from prompt_lab.store.files import disk_errors

_WHOLE = ("HEAD", "objects", "refs")
"""What git itself takes a folder for a repository by."""
_OPERATIONS = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "sequencer": "a cherry-pick or revert",
    "BISECT_LOG": "a bisect",
}
"""File in the git directory -> the operation of the user that it belongs to."""
_ABSENT = ("000000", "")
_IN_ONE_PACK = ("-c", "core.bigFileThreshold=1")
"""Git writes files from this size on into one pack; else a lab of 10,000 runs gets a loose object
for each of its 50,000 files. Contents that git converts, and empty ones, are loose all the same."""


class _ChangedEntry(NamedTuple):
    """(mode, blob id) of one path before and after our commit; _ABSENT where it is new."""

    before: tuple[str, str]
    after: tuple[str, str]


class LabRepository:
    """The lab's own history. A lab that another repository tracks is left to that one's owner."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._git = Git(root, ours=False, raises=StoreError)

    def ensure(self) -> None:
        """Make the repository where there is none, or only a part of one. May be called again."""
        entry = self._root / ".git"
        whole = all((entry / name).exists() for name in _WHOLE)
        if not whole and not entry.is_file() and not self._is_tracked_elsewhere():
            Git(self._root, raises=StoreError)("init", "-q", "-b", "main")
            exclude_paths(self._root, ("target/",))  # a repository of its own in the demo's lab
        exclude_lab_files(self._root)

    def find_obstacle(self) -> str:
        """Why a commit has to wait or is the user's own business, as a sentence; '' if neither."""
        if not (self._root / ".git").exists():
            if self._is_tracked_elsewhere():
                return (
                    f"{self._root}: the lab's new files were not committed, since the lab is part "
                    "of a larger git repository. Commit them there."
                )
            return f"{self._root}: the lab's new files were not committed: it has no repository."
        folder = Path(self._git("rev-parse", "--absolute-git-dir"))
        found = [name for mark, name in _OPERATIONS.items() if (folder / mark).exists()]
        if found:
            return (
                f"{self._root}: the lab's new files were not committed, since {found[0]} is in "
                "progress there. Finish or abort it; the next iteration commits them."
            )
        if (folder / "index.lock").exists():
            return (
                f"{self._root}: the lab's new files were not committed, since another git command "
                f"holds {folder / 'index.lock'}. Once that is gone the next iteration commits them."
            )
        return ""

    def list_uncommitted(self, paths: Iterable[str]) -> list[str]:
        """Those paths, relative to the lab, that HEAD does not have."""
        head = self._head()
        if head is None:
            return list(paths)
        names = self._git.raw("ls-tree", "-r", "-z", "--name-only", head)
        committed = set(names.decode("utf-8", "surrogateescape").split("\0"))
        return [path for path in paths if path not in committed]

    def commit(
        self,
        paths: Iterable[str],
        message: str,
        *,
        when: str,
        contents: Mapping[str, str] | None = None,
    ) -> str | None:
        """Commit these files of the lab, by name, whatever is ignored. Returns the id of HEAD.

        `contents`: path -> text of files that are written only after the commit. The index changes
        for these paths alone, and not where the user has staged something else for one of them;
        every other entry and every file stays. No hook runs and nothing is signed. None where
        there is nothing to commit and no commit yet. Raises StoreError.
        """
        head = self._head()
        behind_links: dict[str, bool] = {}
        present = [p for p in dict.fromkeys(paths) if self._can_be_added(p, behind_links)]
        git_dir = self._git("rev-parse", "--absolute-git-dir")
        with disk_errors(Path(git_dir)), scratch_folder(git_dir) as scratch:
            env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            self._git("read-tree", head or "--empty", env=env)
            # --remove passes over a file that another process took away since it was listed.
            add = (*_IN_ONE_PACK, "update-index", "--add", "--remove", "-z", "--stdin")
            self._git.raw(*add, stdin=_join(present), env=env)
            entries = [self._entry_of(path, text) for path, text in (contents or {}).items()]
            self._git.raw("update-index", "-z", "--index-info", stdin=_join(entries), env=env)
            tree = self._git("write-tree", env=env)
        changed = self._changed(head, tree)
        if not changed:
            return head
        parents = ("-p", head) if head else ()
        commit = self._git("commit-tree", tree, *parents, "-m", message, env=signed(when))
        # The index first: a command that ends in between leaves only files that count as staged,
        # which the next commit takes up.
        self._update_index(changed)
        old = head or "0" * len(commit)
        note = f"commit: {message.splitlines()[0]}"
        self._git("update-ref", "-m", note, "HEAD", commit, old, env=signed(when))
        return commit

    def _head(self) -> str | None:
        return self._git.ask("rev-parse", "-q", "--verify", "HEAD^{commit}")

    def _entry_of(self, path: str, text: str) -> str:
        """A line for `update-index --index-info`, with the blob as git would add the file."""
        blob = self._git.raw(
            "hash-object", "-w", f"--path={path}", "--stdin", stdin=text.encode("utf-8")
        )
        return f"100644 {blob.decode().strip()}\t{path}"

    def _changed(self, head: str | None, tree: str) -> dict[str, _ChangedEntry]:
        """path -> what it was in HEAD and is in the new tree."""
        base = head or self._git.raw("mktree").decode().strip()
        raw = self._git.raw("diff-tree", "-r", "-z", "--raw", "--no-renames", base, tree)
        fields = iter(raw.decode("utf-8", "surrogateescape").split("\0"))
        found = {}
        for field in fields:
            if field.startswith(":"):
                mode, new_mode, blob, new_blob = field[1:].split(" ")[:4]
                before = _ABSENT if set(mode) == {"0"} else (mode, blob)
                found[next(fields)] = _ChangedEntry(before, (new_mode, new_blob))
        return found

    def _index(self) -> dict[str, tuple[str, str]]:
        """path -> (mode, blob id) of the user's index; a path in conflict has its last entry."""
        raw = self._git.raw("ls-files", "-s", "-z").decode("utf-8", "surrogateescape")
        found = {}
        for line in filter(None, raw.split("\0")):
            facts, _, path = line.partition("\t")
            mode, blob, stage = facts.split(" ")
            found[path] = (mode, blob if stage == "0" else "in conflict")
        return found

    def _update_index(self, changed: Mapping[str, _ChangedEntry]) -> None:
        """Bring the user's index up to our commit, where the user has staged nothing else."""
        index = self._index()
        lines = [
            f"{new[0]} {new[1]}\t{path}"
            for path, (old, new) in changed.items()
            if index.get(path, _ABSENT) in (old, new)
        ]
        self._git.raw("update-index", "-z", "--index-info", stdin=_join(lines))

    def _can_be_added(self, path: str, behind_links: dict[str, bool]) -> bool:
        """A file or link that lies in folders of this repository, behind no link of the user.

        `behind_links`: folder -> whether it is such a link or lies behind one, as far as known.
        """
        place = f"{self._root}/{path}"
        if ".git" in path.split("/") or not (os.path.isfile(place) or os.path.islink(place)):
            return False
        return not self._is_behind_link(os.path.dirname(path), behind_links)

    def _is_behind_link(self, folder: str, known: dict[str, bool]) -> bool:
        if not folder:
            return False
        if folder not in known:
            above = self._is_behind_link(os.path.dirname(folder), known)
            known[folder] = above or os.path.islink(f"{self._root}/{folder}")
        return known[folder]

    def _is_tracked_elsewhere(self) -> bool:
        """Whether a repository around the lab tracks files of it."""
        if (self._root / ".git").exists():
            return False
        try:
            return bool(self._git("ls-files", "-z", "--", ".", env=ANYWHERE))
        except LabError:
            return False


def _join(parts: Iterable[str]) -> bytes:
    return "".join(f"{part}\0" for part in parts).encode("utf-8", "surrogateescape")
