"""The two folders of a run: a plan that a step may spoil, and outputs that it may take away."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prompt_lab.store.files import disk_errors

_ALL = os.R_OK | os.W_OK | os.X_OK


@contextmanager
def private_plan(plan: Path) -> Iterator[Path]:
    """A copy of a plan under the same name, which is gone afterwards. Raises StoreError.

    Links are followed: what they lead to is copied, so that nothing in the copy leads back. Left
    out are links that lead nowhere or back up, and what is neither file nor folder.
    """
    plan = plan.resolve()
    with TemporaryDirectory(prefix="prompt-lab-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / plan.name
        with disk_errors(plan):
            _copy(plan, copy, frozenset())
        yield copy


def _copy(source: Path, goal: Path, above: frozenset[Path]) -> None:
    real = source.resolve()
    if real in above:
        return
    goal.mkdir()
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, goal / entry.name, above | {real})
        elif entry.is_file():
            shutil.copy2(entry, goal / entry.name)


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
