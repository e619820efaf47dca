"""Where everything lies in a lab folder."""

import fcntl
from pathlib import Path

from prompt_lab.names import Split
from prompt_lab.store.files import disk_errors

MARKER = "run.json"
"""The record of a finished run, in the plan's folder of its run folder."""
NO_ITERATION = 0
"""The number of runs that belong to no iteration: those of the noise floor."""


class Lab:
    """The paths of one lab. Makes nothing by itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.history = root / "history"
        self.analysis = root / "analysis"
        self.noise_floor = root / "noise_floor"
        self.pulls = root / "pulls"
        self.work = root / "work"
        self.index = root / "index.html"
        self.journal = root / "journal.jsonl"
        self.reusable = root / "history" / "reusable.jsonl"
        self.judgements = root / "history" / "judgements.jsonl"
        self.lock = root / ".lock"

    def plans(self, split: Split) -> Path:
        """The folder whose sub-folders are the plans of a split."""
        return self.root / "baseline" / split.value

    def iteration(self, number: int, step: str) -> Path:
        """The analysis folder of an iteration; the noise floor's batches have their own."""
        if number == NO_ITERATION:
            return self.noise_floor / step
        return self.analysis / f"{number}_{step}"

    def instructions(self, step: str) -> Path:
        """What is known to go wrong in a step: grown by its iterations."""
        return self.root / "instructions" / f"{step}.md"

    def front(self, step: str) -> Path:
        """The candidates of a step that no other one beats in everything."""
        return self.root / "front" / f"{step}.json"

    def loop(self, number: int, step: str) -> Path:
        """The folder of a loop over iterations."""
        return self.root / "loops" / f"{number}_{step}"

    def run_folder(self, number: int, step: str) -> Path:
        """history/<n // 100>/<n % 100>_<step>.

        >>> str(Lab(Path("lab")).run_folder(107, "s"))
        'lab/history/1/07_s'
        """
        return self.history / str(number // 100) / f"{number % 100:02d}_{step}"

    def relative(self, path: Path) -> str:
        """A path inside the lab as records and pages cite it."""
        return path.relative_to(self.root).as_posix()


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
