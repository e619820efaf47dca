"""The paths that an agent must not see: the lab, and all targets of links in it."""

import os
from collections.abc import Iterator
from pathlib import Path

from prompt_lab.store.layout import Lab


def hidden_of(lab: Lab) -> tuple[Path, ...]:
    """The lab's folder, and the folders and files outside it that its plans are kept in.

    Links are followed from the lab's root, its baseline/, and everything in that.
    """
    roots = [lab.root, *_links(lab.root), *_below(lab.root / "baseline")]
    return tuple(dict.fromkeys(path.resolve() for path in roots))


def _links(folder: Path) -> list[Path]:
    """The links that lie in a folder and lead somewhere."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.is_symlink() and path.exists()]


def _below(folder: Path) -> Iterator[Path]:
    """Every link in a folder, recursively through links; none is followed twice."""
    seen: set[Path] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place).resolve()
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        paths = (Path(place) / name for name in (*folders, *files))
        yield from (path for path in paths if path.is_symlink() and path.exists())
