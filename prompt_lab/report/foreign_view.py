"""What the page of another tool's analysis shows; the page reads nothing else."""

from pydantic import Field

from prompt_lab.names import Outcome
from prompt_lab.records import Record


class ForeignRun(Record):
    """One plan of a run folder."""

    plan: str
    ok: bool = Field(description="it ended without an error")
    seconds: float
    error: str = Field(default="", description="the message, verbatim")
    path: str = Field(description="its folder, or the run folder where it was not kept")


class ForeignFolder(Record):
    """One run folder: one model on its plans."""

    path: str = Field(description="relative to the lab")
    model: str
    runs: tuple[ForeignRun, ...]
    faults: tuple[str, ...] = ()


class ForeignView(Record):
    """One analysis that another tool made. What it did not record is empty or None."""

    number: int
    step: str
    path: str = Field(description="the analysis folder, relative to the lab")
    title: str = ""
    pull: int | None = None
    pull_url: str = ""
    description: str = ""
    outcome: Outcome | None = None
    why: str = ""
    created: str = Field(default="", description="time stamp of its last run")
    cost_usd: float | None = Field(default=None, description="of the runs that recorded theirs")
    costed: int = Field(default=0, description="runs whose cost was recorded")
    folders: tuple[ForeignFolder, ...] = ()
    documents: dict[str, str] = Field(default={}, description="file name -> markdown, in order")
    faults: tuple[str, ...] = ()
    lab: str = Field(default="..", description="from the page's folder to the lab")
    earlier: str = Field(default="", description="file name of the page before this one")
    later: str = ""

    @property
    def runs(self) -> tuple[ForeignRun, ...]:
        """Every plan of every run folder."""
        return tuple(run for folder in self.folders for run in folder.runs)

    @property
    def completion_count(self) -> tuple[int, int]:
        """Plans that ended without an error, of how many."""
        return sum(run.ok for run in self.runs), len(self.runs)
