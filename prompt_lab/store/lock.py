"""Who may work on a lab: one process alone, or any number that a luigid keeps apart."""

import fcntl
from pathlib import Path

from prompt_lab.store.files import disk_errors


class LabLock:
    """An advisory lock that ends with its process, however that ends; forks share it.

    filelock knows no shared lock that survives a fork, and luigi forks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with disk_errors(path):
            self._file = path.open("a")

    def acquire(self, *, shared: bool) -> bool:
        """Take it, alone or shared; False where others hold it in a way that forbids that."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go of it before the process ends."""
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()
