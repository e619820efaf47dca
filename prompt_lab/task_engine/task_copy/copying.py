"""What the tree does with single files: copy one, compare one, clear what no hash looks at."""

import os
from pathlib import Path

from prompt_lab.errors import TargetError
from prompt_lab.task_engine.paths import IGNORED
from prompt_lab.task_engine.task_copy import files
from prompt_lab.task_engine.task_copy.files import FileStamp
from prompt_lab.task_engine.task_copy.index import IndexedFile


def copy_file(root: Path, tree: Path, name: str, found: FileStamp) -> IndexedFile:
    """Copy a file of the workspace that has this stamp. Raises TargetError, or Conflict."""
    try:
        digest = files.copy(root / name, tree, name)
    except OSError as error:
        raise TargetError(f"{root / name}: cannot be copied: {error.strerror}") from error
    here = files.stamp(tree / name)
    if here is None or files.stamp(root / name) != found:
        raise files.Conflict([name])
    return IndexedFile(found, here, digest)


def is_same(path: Path, held: IndexedFile | None, now: FileStamp) -> bool:
    """Whether only stamps differ: it was touched, or written with what it held."""
    if held is None:
        return False
    modes = files.git_mode(held.here.mode), files.git_mode(now.mode)
    if modes[0] != modes[1] or files.SPECIAL in modes or now.links > 1:
        return False
    return now.size == held.here.size and files.digest(path) == held.digest


def clear_ignored(tree: Path) -> None:
    """Empty the folders that are in no copy."""
    for name in IGNORED:
        path = tree / name
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()
        elif path.is_dir():
            # The folder itself stays: to make it again each time is slow on a busy disk.
            for inner in os.listdir(path):
                files.clear(tree, f"{name}/{inner}")
