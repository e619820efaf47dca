"""The two folders of a run: a plan that a step may spoil, and outputs that it may take away."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prompt_lab.store.files import disk_errors

NEVER_READ = 0.0
"""Time of the last access that a copied file begins with, in seconds since 1970."""
_PROBE = ".access-times"
_ALL = os.R_OK | os.W_OK | os.X_OK


@contextmanager
def private_plan(plan: Path, *, without: Sequence[str] = ()) -> Iterator[Path]:
    """A copy of a plan under the same name, which is gone afterwards. Raises StoreError.

    Links are followed: what they lead to is copied, so that nothing in the copy leads back. Left
    out are links that lead nowhere or back up, what is neither file nor folder, and the paths in
    `without`.
    """
    plan = plan.resolve()
    with TemporaryDirectory(prefix="prompt-lab-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / plan.name
        with disk_errors(plan):
            _copy(plan, copy, frozenset(), {copy / path for path in without})
            names = [path.relative_to(copy).as_posix() for path in _files(copy)]
            (copy.parent / _PROBE).write_text(json.dumps(names), encoding="utf-8")
            for path in (copy.parent / _PROBE, *_files(copy)):
                os.utime(path, (NEVER_READ, path.stat().st_mtime))
        yield copy


def files_read(copy: Path) -> list[str]:
    """Files in a copy of a plan that were read since it was made, by any process.

    All of them where the file system keeps no times of access. What is not there any more counts
    as read. A copy that shares its blocks (reflink) leaves no trace.
    """
    probe = copy.parent / _PROBE
    names: list[str] = json.loads(probe.read_text(encoding="utf-8"))
    kept = _was_read(probe)
    return [name for name in names if not kept or _was_read(copy / name)]


def _was_read(path: Path) -> bool:
    try:
        return path.lstat().st_atime != NEVER_READ
    except OSError:
        return True


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _copy(source: Path, goal: Path, above: frozenset[Path], without: Set[Path]) -> None:
    real = source.resolve()
    if real in above:
        return
    goal.mkdir()
    for entry in source.iterdir():
        place = goal / entry.name
        if place in without:
            continue
        if entry.is_dir():
            _copy(entry, place, above | {real}, without)
        elif entry.is_file():
            shutil.copy2(entry, place)


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
