"""What commands change, kept apart from the tree: folders that the kernel lays over it.

Where that is possible (overlayfs), a command cannot change the tree at all, and its changes are
what lies in its layer: the tree need not be read through after each command, nor be put back.
"""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from prompt_lab.ports import ChangeLayer
from prompt_lab.store.files import disk_errors
from prompt_lab.task_engine.task_copy import files
from prompt_lab.task_engine.task_copy.files import FileStamp

_OPAQUE = "user.overlay.opaque"
"""The kernel's mark of a folder that was removed and made again: its files of the tree are gone."""


class ChangeLayers:
    """The layers of this process beside a tree, by name.

    One at a time is in use: the tree is seen through it. No two processes share one, since a
    sandbox may wait over it while another engine has the task.
    """

    def __init__(self, tree: Path) -> None:
        self._tree, self._owner = tree, 0
        self._folder = tree
        self._clean: set[str] = set()
        self._used = ""

    def layer(self, name: str) -> ChangeLayer:
        """A layer without changes, or that in use with those it has. Raises StoreError."""
        if self._owner != os.getpid():
            self._begin()
        layer = ChangeLayer(self._folder / name / "changes", self._folder / name / "kernel")
        if name not in self._clean and name != self._used:
            with disk_errors(self._folder):
                _permit_removal(layer.scratch / "work")
                for folder in (layer.changes, layer.scratch):
                    files.throw_away(folder)
                    folder.mkdir(parents=True)
            self._clean.add(name)
        return layer

    def _begin(self) -> None:
        """Take a folder of this process, and remove those of processes that have ended."""
        self._owner, self._used, self._clean = os.getpid(), "", set()
        start = f"{self._tree.name}-layers-"
        self._folder = self._tree.with_name(f"{start}{self._owner}")
        for old in self._tree.parent.glob(f"{start}*"):
            if not Path("/proc", old.name.removeprefix(start)).exists() or old == self._folder:
                files.throw_away(old)

    def use(self, name: str) -> None:
        """A command has run in it: from now on the tree is seen through it."""
        self._clean.discard(name)
        self._used = name

    def clear(self) -> None:
        """See the tree as it is, and throw the changes away. Raises StoreError."""
        changes, self._used = self.changes, ""
        if changes is not None:
            files.throw_away(changes)

    @property
    def changes(self) -> Path | None:
        """The changes of the layer in use; None where none is."""
        return self._folder / self._used / "changes" if self._used else None

    def find_changes(
        self, held: Collection[str], above: Collection[str]
    ) -> dict[str, FileStamp | None]:
        """Path -> stamp of every file in the layer in use; None: a file of the tree that is gone.

        `held`, `above`: the files of the tree, and all folders that they lie in. A file may be here
        and hold what it held. Raises StoreError where the layer cannot be read to its end.
        """
        if self.changes is None:
            return {}
        found, folders = files.scan(self.changes)
        # The kernel marks what is gone by a character device, which no command can make.
        gone = {name for name, one in found.items() if stat.S_ISCHR(one.mode)}
        covers = [name for name in found if name in above]
        covers += [name for name in folders if name in above and _is_opaque(self.changes / name)]
        changed: dict[str, FileStamp | None] = dict.fromkeys(_below(covers, held))
        changed |= dict.fromkeys(name for name in (*gone, *folders) if name in held)
        return changed | {name: one for name, one in found.items() if name not in gone}


def _permit_removal(folder: Path) -> None:
    """The kernel leaves its own folder without permissions. A link is never followed."""
    with suppress(OSError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            os.chmod(folder, 0o700)


def _is_opaque(folder: Path) -> bool:
    with suppress(OSError, AttributeError):
        return bool(os.getxattr(folder, _OPAQUE, follow_symlinks=False))
    return False


def _below(folders: Collection[str], names: Collection[str]) -> Iterator[str]:
    if not folders:
        return
    starts = tuple(f"{folder}/" for folder in folders)
    yield from (name for name in names if name.startswith(starts))
