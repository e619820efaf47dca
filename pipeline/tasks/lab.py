"""Tasks on a whole lab: its pages, its old verdicts, and labs to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline.settings import shipped_folder
from pipeline.tasks.base import LabTask, hold_lab
from pipeline.tasks.parameters import WholeParameter
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from prompt_lab.errors import LabError
from prompt_lab.experiments.example_lab import NOTE
from prompt_lab.lazy import call_on_use
from prompt_lab.report.terminal import say

if TYPE_CHECKING:
    from prompt_lab.experiments.compare import compare
    from prompt_lab.experiments.example_lab import is_example_there, make_example_lab
    from prompt_lab.experiments.ledger import write_ledger
    from prompt_lab.experiments.recorded_lab import make_recorded_lab
    from prompt_lab.experiments.replay import Replayed, render_replay, replay
    from prompt_lab.experiments.split import split_data_set

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.compare": "compare",
        "prompt_lab.experiments.example_lab": "is_example_there make_example_lab",
        "prompt_lab.experiments.ledger": "write_ledger",
        "prompt_lab.experiments.recorded_lab": "make_recorded_lab",
        "prompt_lab.experiments.replay": "render_replay replay",
        "prompt_lab.experiments.split": "split_data_set",
    },
)


class Ledger(PrintingTask):
    """Writes index.html, a page for each analysis of another tool, and irregular.md."""

    def run(self) -> None:
        """Write the pages and print where they are."""
        self.print_result(write_ledger(self.context))


class Compare(PrintingTask):
    """Writes compare/<before>_<after>/ with insight_metrics.md and assessment.md."""

    before = luigi.Parameter(description="run folders of the baseline: 182-188 or 1/82-1/88")
    after = luigi.Parameter(description="run folders of the candidate, likewise")

    def run(self) -> None:
        """Read, measure, decide, write, print."""
        self.print_result(compare(self.context, self.before, self.after))


class SplitPlans(PrintingTask):
    """Divide a data set given whole into baseline/train and baseline/verify, seeded, stratified."""

    folder = luigi.Parameter(description="a folder with one folder for each input")
    seed = WholeParameter("--seed", default=0, description="decides which plans are train")

    @property
    def one_process_only(self) -> bool:
        """It writes the lab's plans."""
        return True

    def run(self) -> None:
        """Copy what is missing, and print how many went where."""
        hold_lab(self.context)
        self.print_result(split_data_set(self.context, Path(self.folder), self.seed))


class VerdictsDiffer(LabError):
    """A stored verdict is not what its rows give."""


class Replay(PrintingTask):
    """Prints 'identical', or what differs; with --policy, the past verdicts it would change."""

    number = luigi.Parameter(default="all", description="an iteration's number, or all")
    policy = luigi.Parameter(
        default="", description="a file of configs/policies: which verdicts would it change?"
    )
    found: Sequence[Replayed] = ()
    """One result for each verdict, once it has run."""

    def run(self) -> None:
        """Compute again and print. Raises VerdictsDiffer where a verdict's own policy differs."""
        self.found = replay(self.context, self.number, self.policy)
        text, failure = render_replay(self.found, self.policy)
        if failure:
            say(text)
            raise VerdictsDiffer(failure)
        self.print_result(text)


class ExampleLab(LabTask):
    """The lab of `make demo`: plans under baseline/, a git repository under target/."""

    example = luigi.Parameter(default="invoices", description="a folder of examples/")

    def output(self) -> luigi.LocalTarget:
        """The note that says where the lab came from."""
        return luigi.LocalTarget(str(self.context.lab.root / NOTE))

    def complete(self) -> bool:
        """The note is there, of no other example, and both folders are."""
        return is_example_there(self.context, self.example)

    def run(self) -> None:
        """Copy what is missing."""
        hold_lab(self.context)
        make_example_lab(self.context, self.example, shipped_folder() / "examples")


@prints_when_complete(ExampleLab)
def _state_unchanged(task: ExampleLab) -> str:
    return f"{task.context.lab.root}: examples/{task.example} exists, not changed."


class RecordedLab(LabTask):
    """The planner on another lab's plans and answers, found by model, plan, side and call."""

    answers = luigi.Parameter(description="the other lab, which is only read")
    before = luigi.Parameter(description="its run folders of the baseline: 182-188 or 1/82-1/88")
    after = luigi.Parameter(description="its run folders of the candidate, likewise")

    def output(self) -> luigi.LocalTarget:
        """The lab's own defaults, written last."""
        return luigi.LocalTarget(str(self.context.lab.root / "lab.yaml"))

    def run(self) -> None:
        """Copy target and plans, and write the recordings."""
        hold_lab(self.context)
        planner = shipped_folder() / "examples" / "planner"
        make_recorded_lab(
            self.context, planner, Path(self.answers), before=self.before, after=self.after
        )
