"""What a tree holds, kept from one engine to the next: a tree is used again, not copied again."""

import json
from collections.abc import Iterable, Mapping
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from prompt_lab.store.files import write_text
from prompt_lab.task_engine.task_copy.files import FileStamp, git_mode


class IndexedFile(NamedTuple):
    """A file of the tree: the workspace's stamp when it was copied, its own, and its digest.

    `source` is None for a file that is not the workspace's: an artifact of a candidate.
    """

    source: FileStamp | None
    here: FileStamp
    digest: str

    def line(self, name: str) -> bytes:
        """What a digest of the whole tree holds of this file."""
        text = f"{name}\0{git_mode(self.here.mode)}\0{self.digest}\n"
        return text.encode("utf-8", "surrogateescape")


class HeldFiles:
    """What a tree was reset to: path -> file. Sums over all are made once for each content."""

    def __init__(self, files: Mapping[str, IndexedFile]) -> None:
        self.files = dict(files)
        self.above = folders_above(self.files)
        self._order = sorted(self.files)
        self._lines = {name: held.line(name) for name, held in self.files.items()}
        self._digest = ""
        self.bytes = sum(held.here.size for held in self.files.values())

    def with_changes(self, more: Mapping[str, IndexedFile | None]) -> "HeldFiles":
        """The same with other versions of some files; None: without it."""
        new = copy(self)
        new.files, new._lines, new._digest = {**self.files}, {**self._lines}, ""
        for name, held in more.items():
            old = self.files.get(name)
            new.bytes += (held.here.size if held else 0) - (old.here.size if old else 0)
            if held is None:
                new.files.pop(name, None)
                new._lines.pop(name, None)
            else:
                new.files[name], new._lines[name] = held, held.line(name)
        if new.files.keys() != self.files.keys():
            new._order, new.above = sorted(new.files), folders_above(new.files)
        return new

    @property
    def digest(self) -> str:
        """sha256 of every path, mode and content."""
        if not self._digest:
            text = b"".join(map(self._lines.__getitem__, self._order))
            self._digest = sha256(text).hexdigest()
        return self._digest


def folders_above(names: Iterable[str]) -> set[str]:
    """Every folder above one of the paths.

    >>> sorted(folders_above(["a/b/c", "d"]))
    ['a', 'a/b']
    """
    found: set[str] = set()
    for name in names:
        above = name.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def read_index(path: Path, root: Path) -> dict[str, IndexedFile]:
    """What was copied of `root`; nothing where that cannot be read: then all is copied again."""
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["root"] != str(root):
            return {}
        return {
            name: IndexedFile(FileStamp(*one[0]), FileStamp(*one[1]), one[2])
            for name, one in told["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}


def write_index(path: Path, root: Path, held: Mapping[str, IndexedFile]) -> None:
    """Keep it. What is written there is checked against the stamps before it is believed."""
    # A path that is no UTF-8 becomes the escapes that JSON has for half a surrogate pair.
    write_text(path, json.dumps({"root": str(root), "files": held}), durable=False)
