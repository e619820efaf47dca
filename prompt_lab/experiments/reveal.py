"""Reveal: show the figures of an iteration's sealed plans, which ends their use as a test."""

from dataclasses import dataclass
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import StoreError, UsageError
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.conclude import write_report
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.pages import report_view
from prompt_lab.names import Split, count
from prompt_lab.report.summary import render_summary
from prompt_lab.store.batch import batch_path, read_batch
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import write_record
from prompt_lab.store.iterations import is_open
from prompt_lab.store.sealed import REVEALED, SEALED_VERDICT, Revealed, is_sealed


@dataclass(frozen=True)
class SealedFigures:
    """The figures of a concluded iteration's sealed plans. Showing them writes revealed.json."""

    context: LabContext
    number: int
    confirmed: bool
    """Whether the person has confirmed the warning."""

    @property
    def experiment(self) -> Experiment:
        """The iteration. Raises StoreError where there is none."""
        known = iterations(self.context.lab)
        if self.number not in known:
            raise StoreError(
                f"{self.context.lab.analysis}: there is no iteration {self.number}: give --number,"
                " the iteration whose figures are to be shown"
            )
        return Experiment(self.context, known[self.number], self.number)

    @property
    def folder(self) -> Path:
        """The iteration's folder in analysis/."""
        return self.experiment.folder

    def check(self) -> None:
        """Raises StoreError where there is nothing to show, UsageError with the warning."""
        folder = self.folder
        if not (folder / SEALED_VERDICT).exists() or is_open(folder):
            raise StoreError(
                f"{folder}: iteration {self.number} has no sealed figures to reveal: it is not "
                "concluded, or no sealed plan was run for it"
            )
        if is_sealed(folder) and not self.confirmed:
            raise UsageError(self._warning())

    def run(self) -> str:
        """Record it, write report and ledger again, commit the lab; may be repeated.

        Returns the iteration's summary with the figures.
        """
        self.check()
        experiment = self.experiment
        if is_sealed(experiment.folder):
            write_record(experiment.folder / REVEALED, self._record())
        write_report(experiment)
        write_ledger(self.context)
        message = f"Reveal the figures of iteration {self.number}"
        commit_lab(self.context, message, when=utc_now(), number=self.number)
        return f"{render_summary(report_view(experiment))}\n{self._note()}"

    def _record(self) -> Revealed:
        return Revealed(
            iteration=self.number, step=self.experiment.step, when=utc_now(), plans=self._plans()
        )

    def _plans(self) -> dict[str, str]:
        """The plans of the confirmation with their digests."""
        lab, step = self.context.lab, self.experiment.step
        batch = read_batch(batch_path(lab, self.number, step, Split.VERIFY.value))
        return dict(batch.plans)

    def _warning(self) -> str:
        size = count(len(self._plans()), "verify plan")
        return (
            f"This shows effect, interval and scores of {size}. Who has seen them can tune on them,"
            f" so from then on these plans confirm no undecided candidate of step"
            f" {self.experiment.step!r}, and new plans are needed in"
            f" {self.context.lab.plans(Split.VERIFY)}. It cannot be undone. To go on, add --yes."
        )

    def _note(self) -> str:
        size = count(len(self._plans()), "verify plan")
        return (
            f"Revealed, and recorded: these {size} confirm no undecided candidate of step"
            f" {self.experiment.step!r} any more. Put new ones, one folder each, into"
            f" {self.context.lab.plans(Split.VERIFY)}."
        )
