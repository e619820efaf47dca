"""Iteration: one candidate, taken from idea to verdict."""

from collections.abc import Iterator
from typing import Any

import luigi

from adapters.workspace.lab_repository import LabRepository
from pipeline.console import say
from pipeline.tasks.base import Phase, hold_lab
from prompt_lab.errors import StoreError
from prompt_lab.experiments.conclude import Report
from prompt_lab.experiments.dry_run import what_would_run
from prompt_lab.experiments.learn import learn
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.pages import report_view
from prompt_lab.experiments.pareto import keep_front
from prompt_lab.experiments.since_start import SinceStart, since_start_due
from prompt_lab.report.summary import render_summary
from prompt_lab.store.iterations import SUMMARY, read_change, read_meta


class Iteration(Phase):
    """The next iteration, or the one that --number names. Writes summary.txt and lab/index.html."""

    FILE = SUMMARY

    dry_run = luigi.BoolParameter(description="say what would run and what it would cost; no more")
    _said = False

    def complete(self) -> bool:
        """A dry run is done once it has spoken."""
        if self.dry_run:
            return self._said
        return super().complete()

    def requires(self) -> luigi.Task | None:
        """All phases, the last one first; none for a dry run."""
        return None if self.dry_run else self.clone_as(Report)

    def run(self) -> Iterator[Any]:
        """A dry run reads, speaks and leaves no trace, not even the lock."""
        if self.dry_run:
            with self.context.temporary_work_folder():
                say(what_would_run(self))
            self._said = True
            return
        hold_lab(self.context)
        yield from self.work()

    def work(self) -> Iterator[Any]:
        """Render the ledger and the summary, commit the lab, and say what was decided."""
        if since_start_due(self):
            yield self.clone_as(SinceStart)
        lab = self.context.lab
        change = read_change(lab, self.number, self.step)
        learn(self)
        keep_front(self)
        write_ledger(self.context)
        text = render_summary(report_view(self))
        message = f"Iteration {self.number}: {change.title}"
        when = read_meta(lab, self.number, self.step).created
        LabRepository(lab.root).commit(message, when=when)
        self.write(text)
        say(text)


@Iteration.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _say_again(task: Iteration) -> None:
    # A finished iteration is never run again; a person who asks for it still wants to read it.
    if task.dry_run:
        return
    try:
        say((task.folder / SUMMARY).read_text("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"{task.folder / SUMMARY}: {error.strerror}") from error
