"""Folders for a moment inside of a repository; what a killed process left there is removed."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

_PREFIX = "prompt-lab-scratch"


@contextmanager
def scratch_folder(parent: str | Path) -> Iterator[str]:
    """A new folder in `parent`, on the same disk. Raises OSError.

    Its name says which process of which host made it, so that the next call removes those whose
    process has ended, and no other.
    """
    host = socket.gethostname().replace("+", "-")
    for left in Path(parent).glob(f"{_PREFIX}+{host}+*"):
        _, _, pid, started, _ = left.name.split("+", 4)
        if not _is_alive(int(pid), started):
            shutil.rmtree(left, ignore_errors=True)
    own = f"{_PREFIX}+{host}+{os.getpid()}+{_started(os.getpid())}+"
    with TemporaryDirectory(dir=parent, prefix=own) as folder:
        yield folder


def _started(pid: int) -> str:
    return str(int(psutil.Process(pid).create_time()))


def _is_alive(pid: int, started: str) -> bool:
    try:
        return _started(pid) == started
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
