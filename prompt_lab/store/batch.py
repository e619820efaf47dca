"""batch_<name>.json: all the runs that one iteration asks for, and where each of them lies."""

from functools import lru_cache
from pathlib import Path

from prompt_lab.names import Side, Split
from prompt_lab.records import VERSION, Record, RunKey
from prompt_lab.store.files import disk_errors, read_record, write_record
from prompt_lab.store.iterations import made_again
from prompt_lab.store.layout import Lab


class PlannedRun(Record):
    """One run of the batch. A probe is a baseline run made again to see whether it drifted."""

    side: Side
    model: str
    plan: str
    replicate: int
    path: str = ""
    """The run folder of the plan, relative to the lab."""
    content_key: str
    answer_key: str = ""
    """Of what decides the answer alone; '' in a batch of an older version."""
    plan_sha256: str = ""
    """Of the whole plan folder; '' in a batch of an older version."""
    reused: bool = False
    rescored_from: str = ""
    """The run folder of the plan whose answer is scored again in place of a call."""
    probe: bool = False
    if_promising: bool = False
    """A probe that is made only where the candidate looks better."""

    @property
    def takes_calls(self) -> bool:
        """Whether the step is executed: its answer is not taken over."""
        return not (self.reused or self.rescored_from)


class Batch(Record):
    """The runs of 'scout', 'train' or 'verify', planned before the first of them starts."""

    version: int = VERSION
    name: str
    split: Split
    commits: dict[Side, str]
    runs: tuple[PlannedRun, ...]
    plans: dict[str, str] = {}
    """name -> digest of its folder as it was planned with; {} in a batch of an older version."""
    difficulty: dict[str, float] = {}
    """plan -> mean score of earlier baseline runs, by which a trial orders sealed plans."""

    def by_key(self) -> dict[RunKey, PlannedRun]:
        """Every run by its key; a probe's replicate is -1 - replicate."""
        return {self.key(run): run for run in self.runs}

    def replicates(self) -> dict[str, int]:
        """model -> how many runs of each plan and side were planned, probes left out."""
        found: dict[str, int] = {}
        for run in self.runs:
            if not run.probe:
                found[run.model] = max(found.get(run.model, 0), run.replicate + 1)
        return found

    def key(self, run: PlannedRun) -> RunKey:
        """The key that a run's task carries."""
        replicate = -1 - run.replicate if run.probe else run.replicate
        return RunKey(self.split, run.side, run.model, run.plan, replicate)


def batch_path(lab: Lab, number: int, step: str, name: str) -> Path:
    """Where a batch is written down."""
    return lab.iteration(number, step) / f"batch_{name}.json"


def write_batch(path: Path, batch: Batch) -> None:
    """Write it once; runs find their folders in it from then on."""
    write_record(path, batch)


@lru_cache(maxsize=8)
def read_batch(path: Path) -> Batch:
    """The batch as written, read once for each process: it never changes. Raises StoreError."""
    return read_record(path, Batch, fix=made_again(path))


@lru_cache(maxsize=8)
def runs_by_key(path: Path) -> dict[RunKey, PlannedRun]:
    """The batch's runs by key."""
    return read_batch(path).by_key()


def set_aside(path: Path) -> None:
    """Keep a batch under another name, so that the next call plans it again."""
    with disk_errors(path):
        taken = len(list(path.parent.glob(f"{path.stem}.*.json")))
        path.rename(path.with_name(f"{path.stem}.{taken}.json"))
    read_batch.cache_clear()
    runs_by_key.cache_clear()
