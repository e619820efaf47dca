"""The two folders of a run: a plan that a step may spoil, and outputs that it may take away."""

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from prompt_lab.store.files import disk_errors

_ALL = os.R_OK | os.W_OK | os.X_OK


def plan_sources(folder: Path, kind: str, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """(path in a message, file) of all files in a folder but those in `without`.

    Links are followed; left out are links that lead nowhere or back up, and what is no file.
    """
    found = dict(_walk(folder.resolve(), frozenset()))
    return [
        (f"{kind}/{path}", str(file)) for path, file in sorted(found.items())
        if not any(path == name or path.startswith(f"{name}/") for name in without)
    ]  # fmt: skip


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[tuple[str, Path]]:
    real = folder.resolve()
    if real in above:
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            for path, file in _walk(entry, above | {real}):
                yield f"{entry.name}/{path}", file
        elif entry.is_file():
            yield entry.name, entry


def stand(folder: Path) -> None:
    """Make the folder of a run's outputs one again, whatever a step has made of it."""
    with disk_errors(folder):
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, _ALL):
            folder.chmod(0o755)


def empty(folder: Path) -> None:
    """Take away what a step wrote, if the folder is there."""
    stand(folder)
    with disk_errors(folder):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
