"""Evidence: which files of the worktree were loaded or read here, by the bytes that were taken."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.machinery import SourceFileLoader as _SourceFileLoader
from types import CodeType
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class LoadedFiles:
    """Path in the worktree -> git blob id of what was loaded from it.

    Modules of the worktree are compiled from their source each time: an old .pyc of equal size and
    second would run in its place, and so no bytecode is read or written there.
    """

    def __init__(self, worktree: str) -> None:
        self.files: dict[str, str] = {}
        self._root = os.path.realpath(worktree) + os.sep if worktree else ""
        self._opened: dict[str, None] = {}
        self._written: set[str] = set()
        self._quiet = False

    def watch(self) -> None:
        """From now on note every import and every open under the worktree."""
        if not self._root:
            return
        source = (_loader(self), SOURCE_SUFFIXES)
        finder = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), source)

        def hook(path: str) -> Any:
            if not (os.path.realpath(path) + os.sep).startswith(self._root):
                raise ImportError(path)
            return finder(path)

        sys.path_hooks.insert(0, hook)
        sys.path_importer_cache.clear()
        sys.addaudithook(self._on_audit_event)

    def note(self, path: str, data: bytes) -> None:
        """Add a file by the bytes that were taken from it."""
        relative = self.relative_path(path)
        if relative:
            blob = blob_id(data)
            known = self.files.get(relative, blob)
            # Two versions of one file: an id that no commit can have.
            self.files[relative] = blob if blob in known.split() else f"{known} {blob}"

    def relative_path(self, path: str) -> str:
        """The path in the worktree, or '' where it lies elsewhere."""
        full = os.path.abspath(path)
        if not self._root or not full.startswith(self._root):
            return ""
        relative = full[len(self._root) :].replace(os.sep, "/")
        return "" if relative.split("/")[0] == ".git" else relative

    def collect(self, modules: Iterable[str]) -> dict[str, str]:
        """All files so far: those noted, and by a look now these modules and what was opened."""
        self._quiet = True
        for name in modules:
            self._look(getattr(sys.modules.get(name), "__file__", None))
        for path in list(self._opened):
            if path not in self._written:
                self._look(path)
        self._quiet = False
        return dict(self.files)

    def look_at(self, paths: Iterable[str]) -> None:
        """Add files by what they hold now: those that are used by a process of their own."""
        for path in paths:
            self._look(self._root + path)

    def loaded_outside(self, packages: Iterable[str], modules: Iterable[str]) -> dict[str, str]:
        """Those of the modules that belong to a package and came from outside the worktree.

        A package that was not loaded at all is there with ''.
        """
        found = {package: "" for package in packages if package not in sys.modules}
        for name in modules:
            path = getattr(sys.modules.get(name), "__file__", None)
            if path and belongs(name, packages) and not self.relative_path(path):
                found[name] = path
        return found

    def _look(self, path: object) -> None:
        if (
            not isinstance(path, str)
            or not self.relative_path(path)
            or self.relative_path(path) in self.files
        ):
            return
        try:
            with open(path, "rb") as file:
                self.note(path, file.read())
        except OSError:
            pass

    def _on_audit_event(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or self._quiet or not isinstance(args[0], str):
            return
        path = os.path.abspath(args[0])
        if path.startswith(self._root):
            if isinstance(args[2], int) and args[2] & _WRITES:
                self._written.add(path)
            elif not path.endswith(".pyc"):
                self._opened[path] = None


def belongs(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of the packages, or lies in one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def blob_id(data: bytes) -> str:
    """The id that git gives a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _loader(ledger: LoadedFiles) -> type[_SourceFileLoader]:
    """A loader of source files that compiles the bytes that it noted."""

    class Loader(_SourceFileLoader):
        def get_code(self, fullname: str) -> CodeType:
            path = self.get_filename(fullname)
            data = self.get_data(path)
            ledger.note(path, data)
            return self.source_to_code(data, path)

    return Loader
