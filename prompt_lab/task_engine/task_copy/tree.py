"""The sandbox's tree: a copy of the workspace that is reused and put back, not copied again."""

import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from prompt_lab.errors import StoreError
from prompt_lab.ports import GitFactory
from prompt_lab.propose.budget import LINK
from prompt_lab.task_engine.changes import Version
from prompt_lab.task_engine.task_copy import files
from prompt_lab.task_engine.task_copy.copying import clear_ignored, copy_file, is_same
from prompt_lab.task_engine.task_copy.files import FileStamp
from prompt_lab.task_engine.task_copy.index import HeldFiles, IndexedFile, read_index, write_index
from prompt_lab.task_engine.task_copy.layers import ChangeLayers
from prompt_lab.task_engine.task_copy.listing import candidates, list_files
from prompt_lab.task_engine.task_copy.moments import settle, tells_moments_apart
from prompt_lab.task_engine.task_copy.watch import FolderWatch


class Tree:
    """One tree at `folder` for the repository at `root`. One engine at a time uses it."""

    def __init__(self, root: Path, folder: Path, git: GitFactory) -> None:
        self.root, self.folder, self._git = root, folder, git
        self.layers = ChangeLayers(folder)
        self._index = folder.with_name(folder.name + ".json")
        self._base = read_index(self._index, root)
        self._sources = {name: held.source for name, held in self._base.items()}
        self._held = HeldFiles(self._base)
        self._overlay: dict[str, Version | None] = {}
        self._seen: tuple[dict[str, FileStamp], set[str]] | None = None
        self._fits = False
        self._laid: set[str] | None = None
        """The overlay's files that lie in the tree; None: any file may be another."""
        self._watch = FolderWatch(root)
        self._listed: tuple[str, ...] | None = None
        """The artifacts with which the workspace was listed since the watch has begun."""

    def refresh(self, artifacts: Iterable[str]) -> None:
        """Make it equal to the workspace as it is now. Raises TargetError or StoreError.

        The workspace is not looked at where it was, and the kernel has seen no change since.
        """
        self.overlay({})
        asked = tuple(artifacts)
        changed, is_known = False, asked == self._listed and self._watch.is_quiet()
        self._listed = None  # should anything fail
        if not is_known:
            found = self._list_workspace(asked)
            changed = found != self._sources
            if changed:
                self._take_over(found)
        self.reset()
        if all(one is None or one.links == 1 for one in self._sources.values()):
            self._listed = asked  # else a file can be written by a name that is not watched
        if changed:
            write_index(self._index, self.root, self._base)

    def _list_workspace(self, artifacts: Collection[str]) -> dict[str, FileStamp]:
        self._watch.begin()
        with ThreadPoolExecutor(1) as beside:
            names = beside.submit(candidates, self.root, self._git)
            if not self._fits:
                self._seen = self._scan()  # while git looks at the workspace
        return list_files(self.root, artifacts, self._git, names.result(), self._sources)

    def _take_over(self, found: Mapping[str, FileStamp]) -> None:
        """Copy those files of the workspace that are not what was copied."""
        known, self._base, copied = self._base, {}, False
        for name, one in found.items():
            old = known.get(name)
            if old is not None and old.source == one:
                self._base[name] = old
            else:
                self._base[name], copied = copy_file(self.root, self.folder, name, one), True
        self._sources = {name: held.source for name, held in self._base.items()}
        self._fits, self._laid = False, None
        if copied:
            self.touched()

    def unchanged(self, artifacts: Iterable[str]) -> bool:
        """Whether the workspace still is what was copied: every file is looked at."""
        differing = self.differing(list_files(self.root, artifacts, self._git))
        if differing:
            self._listed = None
        return not differing

    def differing(self, now: Mapping[str, FileStamp]) -> set[str]:
        """Those files of the workspace, as it is listed now, that are not what was copied."""
        names = self._sources.keys() | now.keys()
        return {name for name in names if self._sources.get(name) != now.get(name)}

    def overlay(self, versions: Mapping[str, Version | None]) -> None:
        """Let these files stand in for the workspace's, from the next reset on; None: no file."""
        self._fits = self._fits and self._overlay == versions
        self._overlay = dict(versions)

    def reset(self) -> None:
        """Make it the workspace's copy with the overlay again, seen through no layer."""
        self.layers.clear()
        if self._fits:
            clear_ignored(self.folder)
            return
        found, folders = self._scan()
        wanted = self._plan_files(found)
        for name in [name for name, held in wanted.items() if held is None]:
            files.clear(self.folder, name)
            found.pop(name, None)
        for name, held in wanted.items():
            if held is not None and found.get(name) != held.here:
                wanted[name] = fresh = self._put_back(name, held)
                found[name] = fresh.here
        if self._laid is None:
            self._held = HeldFiles({n: held for n, held in wanted.items() if held is not None})
        else:
            self._held = self._held.with_changes(wanted)
        self._tidy(folders)
        self._seen = found, self._held.above
        self._fits, self._laid = True, set(self._overlay)

    def _plan_files(self, found: Collection[str]) -> dict[str, IndexedFile | None]:
        """What shall lie at each path that may hold something else; None: nothing."""
        names = {*found, *self._base} if self._laid is None else self._laid
        overlaid = self._overlaid()
        return {
            name: overlaid.get(name) if name in self._overlay else self._base.get(name)
            for name in sorted(names | self._overlay.keys())
        }

    def touched(self) -> None:
        """A command has run: what was seen of the tree may be so no longer."""
        self._seen, self._fits, self._laid = None, False, None

    def remove(self, name: str) -> None:
        """Take away whatever is seen at a path."""
        if self.layers.changes is not None:
            files.clear(self.layers.changes, name)
            if not os.path.lexists(self.folder / name):
                return
        files.clear(self.folder, name)
        self.touched()

    @property
    def changes(self) -> Path:
        """Where files lie that a command has written: a layer, or the tree itself."""
        return self.layers.changes or self.folder

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
        """Wait until a command cannot change a file within the moment in which it was written."""
        if not tells_moments_apart(self.folder.parent):
            files_held = self._held.files.values()
            settle(max((held.here.changed for held in files_held), default=0))

    def changed_files(self) -> dict[str, FileStamp | None]:
        """What differs now from how it was reset, by content or mode; None: it is gone.

        Raises StoreError where the tree cannot be read to its end.
        """
        return {
            name: now
            for name, now in self._touched_files().items()
            if now is None or not is_same(self.changes / name, self._held.files.get(name), now)
        }

    def _touched_files(self) -> dict[str, FileStamp | None]:
        """What was written since the reset, perhaps with what it held."""
        if self.layers.changes is not None:
            return self.layers.find_changes(self._held.files.keys(), self._held.above)
        try:
            self._seen = self._seen or files.scan(self.folder)
        except StoreError:
            files.throw_away(self.folder)
            raise
        found, _ = self._seen
        known = self._held.files
        differs: dict[str, FileStamp | None] = {n: None for n in known.keys() - found.keys()}
        for name, now in found.items():
            held = known.get(name)
            if held is None or held.here != now:
                differs[name] = now
        return differs

    def take(self, name: str) -> Version | None:
        """A file's version now, in a layer of a changed file; a link's bytes say where it leads."""
        path = self.changes / name
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

    def altered(self, paths: Collection[str]) -> list[str]:
        """Those files at or below these paths that are not what was laid there, without a layer."""
        known = self._held.files
        names = {path for path in paths if path in known}
        below = tuple(path.rstrip("/") + "/" for path in paths if path not in known)
        names |= {name for name in known if name.startswith(below)} if below else set()
        with files.opened(self.folder) as top:
            return [name for name in names if files.stamp(name, top) != known[name].here]

    @property
    def digest(self) -> str:
        """sha256 of every path, mode and content that the tree was reset to."""
        return self._held.digest

    @property
    def indexed_paths(self) -> Collection[str]:
        """Every path that the tree was reset to."""
        return self._held.files.keys()

    @property
    def bytes(self) -> int:
        """What it holds."""
        return self._held.bytes

    def _put_back(self, name: str, held: IndexedFile) -> IndexedFile:
        version = self._overlay.get(name)
        if version is not None:
            files.write(self.folder, name, version.data, version.mode)
            here = files.stamp(self.folder / name)
            digest = sha256(version.data).hexdigest()
            return held if here is None else IndexedFile(None, here, digest)
        if held.source is None or files.stamp(self.root / name) != held.source:
            raise files.Conflict([name])
        fresh = copy_file(self.root, self.folder, name, held.source)
        self._base[name] = fresh
        return fresh

    def _overlaid(self) -> dict[str, IndexedFile]:
        nothing = FileStamp(0, 0, 0, 0, 0, 0)
        found = {}
        for name, version in self._overlay.items():
            if version is None:
                continue
            held = self._held.files.get(name)
            digest = sha256(version.data).hexdigest()
            if (held is None or held.digest != digest
                    or files.git_mode(held.here.mode) != version.mode):  # fmt: skip
                held = IndexedFile(None, nothing, digest)
            found[name] = held
        return found

    def _tidy(self, folders: set[str]) -> None:
        """Remove folders that hold nothing, and all that lies where no hash looks."""
        kept = self._held.above | self._held.files.keys()
        for folder in sorted(folders - kept, reverse=True):
            if os.path.lexists(self.folder / folder):
                files.throw_away(self.folder / folder)
        clear_ignored(self.folder)
