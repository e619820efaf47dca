"""What a tree holds, kept from one engine to the next: a tree is used again, not copied again."""

import json
from collections.abc import Mapping
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
