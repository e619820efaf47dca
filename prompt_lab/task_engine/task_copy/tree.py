"""The sandbox's tree: a copy of the workspace that is reused and put back, not copied again."""

import os
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from prompt_lab.errors import StoreError, TargetError
from prompt_lab.ports import GitFactory
from prompt_lab.propose.budget import LINK
from prompt_lab.task_engine.changes import Version
from prompt_lab.task_engine.paths import IGNORED
from prompt_lab.task_engine.task_copy import files
from prompt_lab.task_engine.task_copy.files import FileStamp
from prompt_lab.task_engine.task_copy.index import IndexedFile, read_index, write_index
from prompt_lab.task_engine.task_copy.listing import candidates, list_files

SETTLED_NS = 5_000_000
"""The kernel's clock for files may stand still so long: what is written is that old before a
command starts, so that the command cannot change it within the same moment."""


class Tree:
    """One tree at `folder` for the repository at `root`. One engine at a time uses it."""

    def __init__(self, root: Path, folder: Path, git: GitFactory) -> None:
        self.root, self.folder, self._git = root, folder, git
        self._index = folder.with_name(folder.name + ".json")
        self._base: dict[str, IndexedFile] = {}
        self._held: dict[str, IndexedFile] = {}
        self._overlay: dict[str, Version | None] = {}
        self._seen: tuple[dict[str, FileStamp], set[str]] | None = None
        self._fits, self._digest = False, ""
        self._lines: dict[str, tuple[IndexedFile, bytes]] = {}
        self._exact: bool | None = None
        self._named: set[str] = set()
        self._above: set[str] = set()
        self._base = read_index(self._index, root)
        self._held = dict(self._base)

    def refresh(self, artifacts: Iterable[str]) -> None:
        """Make it equal to the workspace as it is now. Raises TargetError or StoreError."""
        self.overlay({})
        with ThreadPoolExecutor(1) as beside:
            names = beside.submit(candidates, self.root, self._git)
            if not self._fits:
                self._seen = self._scan()  # while git looks at the workspace
        known, self._base, copied = self._base, {}, False
        for name, found in list_files(self.root, artifacts, self._git, names.result()).items():
            old = known.get(name)
            if old is not None and old.source == found:
                self._base[name] = old
            else:
                self._base[name], copied = self._copy_file(name, found), True
        if copied:
            self.touched()
        self._fits = self._fits and len(known) == len(self._base)
        self.reset()
        if copied or len(known) != len(self._base):
            write_index(self._index, self.root, self._base)

    def unchanged(self, artifacts: Iterable[str]) -> bool:
        """Whether the workspace still is what was copied."""
        return not self.differing(list_files(self.root, artifacts, self._git))

    def differing(self, now: Mapping[str, FileStamp]) -> set[str]:
        """Those files of the workspace, as it is listed now, that are not what was copied."""
        sources = {name: held.source for name, held in self._base.items()}
        names = sources.keys() | now.keys()
        return {name for name in names if sources.get(name) != now.get(name)}

    def overlay(self, versions: Mapping[str, Version | None]) -> None:
        """Let these files stand in for the workspace's, from the next reset on; None: no file."""
        self._fits = self._fits and self._overlay == versions
        self._overlay = dict(versions)

    def reset(self) -> None:
        """Make it the workspace's copy with the overlay again."""
        if self._fits:
            return
        found, folders = self._scan()
        want = {name: held for name, held in self._base.items() if name not in self._overlay}
        want |= {name: held for name, held in self._overlaid().items()}
        for name in found.keys() - want.keys():
            files.clear(self.folder, name)
            del found[name]
        for name, held in want.items():
            if found.get(name) != held.here:
                want[name] = self._put_back(name, held)
                found[name] = want[name].here
        if want.keys() != self._named:
            self._named, self._above = set(want), _folders(want)
        self._held = want
        self._tidy(folders)
        self._seen = found, self._above
        self._fits, self._digest = True, ""

    def touched(self) -> None:
        """A command has run: what was seen of the tree may be so no longer."""
        self._seen, self._fits = None, False

    def _scan(self) -> tuple[dict[str, FileStamp], set[str]]:
        """All that is there; an empty tree, where that was too deep or too much to be read."""
        if self._seen is not None:
            return self._seen
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            return files.scan(self.folder)
        except StoreError:
            files.throw_away(self.folder)
            self.folder.mkdir()
            return {}, set()

    def settle(self) -> None:
        """Wait until what was written last is older than the kernel's clock is coarse."""
        if self._exact is None:
            self._exact = files.tells_moments_apart(self.folder)
        if self._exact:
            return
        newest = max((held.here.changed for held in self._held.values()), default=0)
        left = newest + SETTLED_NS - time.time_ns()
        if 0 < left <= SETTLED_NS:
            time.sleep(left / 1e9)

    def changed_files(self) -> dict[str, FileStamp | None]:
        """What differs now from how it was reset, by content or mode; None: it is gone.

        Raises StoreError where the tree cannot be read to its end.
        """
        try:
            self._seen = self._seen or files.scan(self.folder)
        except StoreError:
            files.throw_away(self.folder)
            raise
        found, _ = self._seen
        differs: dict[str, FileStamp | None] = {n: None for n in self._held.keys() - found.keys()}
        for name, now in found.items():
            held = self._held.get(name)
            if held is not None and held.here == now:
                continue
            if held is None or not self._is_same(name, held, now):
                differs[name] = now
        return differs

    def take(self, name: str) -> Version | None:
        """A file's version now; None where there is none. A link's bytes say where it leads."""
        path = self.folder / name
        found = files.stamp(path)
        if found is None:
            return None
        mode = files.git_mode(found.mode)
        if mode == files.SPECIAL:
            return Version(mode, b"")
        if mode == LINK:
            return Version(mode, os.fsencode(os.readlink(path)))
        with files.opened_own(path) as file:
            return Version(mode, file.read())

    @property
    def digest(self) -> str:
        """sha256 of every path, mode and content that the tree was reset to."""
        if not self._digest:
            known, self._lines = self._lines, {}
            for name, held in self._held.items():
                line = known.get(name)
                fits = line is not None and line[0] is held
                self._lines[name] = line if line and fits else (held, held.line(name))
            text = b"".join(self._lines[name][1] for name in sorted(self._lines))
            self._digest = sha256(text).hexdigest()
        return self._digest

    @property
    def indexed_paths(self) -> Collection[str]:
        """Every path that the tree was reset to."""
        return self._held.keys()

    @property
    def bytes(self) -> int:
        """What it holds."""
        return sum(held.here.size for held in self._held.values())

    def _copy_file(self, name: str, found: FileStamp) -> IndexedFile:
        try:
            digest = files.copy(self.root / name, self.folder, name)
        except OSError as error:
            raise TargetError(f"{self.root / name}: cannot be copied: {error.strerror}") from error
        here = files.stamp(self.folder / name)
        if here is None or files.stamp(self.root / name) != found:
            raise files.Conflict([name])
        return IndexedFile(found, here, digest)

    def _put_back(self, name: str, held: IndexedFile) -> IndexedFile:
        version = self._overlay.get(name)
        if version is not None:
            files.write(self.folder, name, version.data, version.mode)
            here = files.stamp(self.folder / name)
            digest = sha256(version.data).hexdigest()
            return held if here is None else IndexedFile(None, here, digest)
        if held.source is None or files.stamp(self.root / name) != held.source:
            raise files.Conflict([name])
        fresh = self._copy_file(name, held.source)
        self._base[name] = fresh
        return fresh

    def _overlaid(self) -> dict[str, IndexedFile]:
        nothing = FileStamp(0, 0, 0, 0, 0, 0)
        found = {}
        for name, version in self._overlay.items():
            if version is None:
                continue
            held = self._held.get(name)
            digest = sha256(version.data).hexdigest()
            fits = held is not None and held.digest == digest
            fits = fits and held is not None and files.git_mode(held.here.mode) == version.mode
            found[name] = held if held is not None and fits else IndexedFile(None, nothing, digest)
        return found

    def _is_same(self, name: str, held: IndexedFile, now: FileStamp) -> bool:
        """Whether only stamps differ: it was touched, or written with what it held."""
        modes = files.git_mode(held.here.mode), files.git_mode(now.mode)
        if modes[0] != modes[1] or files.SPECIAL in modes or now.links > 1:
            return False
        return now.size == held.here.size and files.digest(self.folder / name) == held.digest

    def _tidy(self, folders: set[str]) -> None:
        """Remove folders that hold nothing, and all that lies where no hash looks."""
        for folder in sorted(folders - self._above, reverse=True):
            if os.path.lexists(self.folder / folder):
                files.throw_away(self.folder / folder)
        for name in IGNORED:
            path = self.folder / name
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                path.unlink()
            elif path.is_dir():
                # The folder itself stays: to make it again each time is slow on a busy disk.
                for inner in os.listdir(path):
                    files.clear(self.folder, f"{name}/{inner}")


def _folders(names: Iterable[str]) -> set[str]:
    """Every folder above one of the paths."""
    found: set[str] = set()
    for name in names:
        above = name.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found
