"""Iteration: one candidate, taken from idea to verdict."""

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.console import say
from pipeline.tasks.base import Phase
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from prompt_lab.errors import StoreError
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.conclude import Report
from prompt_lab.experiments.dry_run import what_would_run
from prompt_lab.experiments.learn import learn
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.pages import report_view
from prompt_lab.experiments.pareto import keep_front
from prompt_lab.experiments.since_start import SinceStart, since_start_due
from prompt_lab.report.summary import render_summary
from prompt_lab.store.iterations import SUMMARY, read_change, read_meta


class Iteration(PrintingTask, Phase):
    """The next iteration, or the one that --number names. Writes summary.txt and lab/index.html."""

    FILE = SUMMARY

    dry_run = luigi.BoolParameter(description="say what would run and what it would cost; no more")

    @property
    def one_process_only(self) -> bool:
        """A dry run changes nothing."""
        return not self.dry_run

    def complete(self) -> bool:
        """Whether summary.txt is there; of a dry run, whether it has printed."""
        return super().complete() if self.dry_run else Phase.complete(self)

    def requires(self) -> luigi.Task | None:
        """All phases, the last one first; none for a dry run."""
        return None if self.dry_run else self.clone_as(Report)

    def run(self) -> Iterator[Any]:
        """A dry run reads, speaks and leaves no trace, not even the lock."""
        if self.dry_run:
            with self.context.temporary_work_folder():
                self.print_result(what_would_run(self))
            return
        yield from super().run()

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
        # summary.txt marks the end, so it is written after the commit that holds it.
        contents = {lab.relative(self.folder / SUMMARY): text}
        commit_lab(self.context, message, when=when, number=self.number, contents=contents)
        self.write(text)
        say(text)


@prints_when_complete(Iteration)
def _read_summary(task: Iteration) -> str:
    if task.dry_run:
        return ""
    try:
        return (task.folder / SUMMARY).read_text("utf-8", "replace")
    except OSError as error:
        raise StoreError(f"{task.folder / SUMMARY}: {error.strerror}") from error
