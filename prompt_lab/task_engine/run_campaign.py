"""Campaign: attempts at one task, one after the other, until goal or budget."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import luigi

from pipeline.console import printable
from pipeline.tasks.base import File, utc_now
from pipeline.tasks.parameters import CountParameter
from pipeline.tasks.printing import PrintingTask
from prompt_lab.errors import LabError
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.task_engine.campaign import CampaignProgress, CampaignResult, end_of
from prompt_lab.task_engine.record import AttemptRecord
from prompt_lab.task_engine.run_task import (
    NEXT,
    Attempt,
    OfTask,
    TaskCrashed,
    TaskUsageError,
    print_record,
)


class Campaign(PrintingTask, OfTask):
    """Attempts at a task until budget or goal. Writes campaigns/<first attempt>.json."""

    iterations = CountParameter(
        "--iterations", least=1, default=0, description="attempts; default: the task's budget"
    )
    first = CountParameter(
        "--first", least=0, default=NEXT, description="the campaign to go on with; default: new"
    )
    _reported = 0
    _claimed = NEXT

    def output(self) -> luigi.LocalTarget:
        """The campaign's record."""
        return File(str(self.site.store.campaign(self._first_attempt())))

    def reset_state(self) -> None:
        """Another build is another campaign, unless --first names one."""
        super().reset_state()
        self.first, self._claimed, self._reported = self.param_kwargs["first"], NEXT, 0

    def run(self) -> Iterator[Any]:
        """One attempt at a time, each a task of its own; none is made twice. Raises LabError."""
        self.refuse()
        store = self.site.store
        path = store.progress_path(self._first_attempt())
        course = read_if_whole(path, CampaignProgress) or CampaignProgress(
            started=utc_now(), attempts=(self._first_attempt(),)
        )
        write_record(path, course, durable=False)
        while True:
            yield self.clone(Attempt, number=course.attempts[-1])
            done = [read_record(store.record(number), AttemptRecord) for number in course.attempts]
            self._whisper(done)
            seconds = (datetime.now(UTC) - datetime.fromisoformat(course.started)).total_seconds()
            ended = end_of(self.site.task, done, seconds, self.iterations)
            if ended is not None:
                break
            course = course.model_copy(update={"attempts": (*course.attempts, store.claim())})
            write_record(path, course, durable=False)
        self._print_result(ended)

    def flags_fault(self) -> LabError | None:
        """Without a mutator it would make one candidate again and again; and it goes on with a
        campaign that there is."""
        if not self.mutator_words and self.site.task.mutator is None:
            return TaskUsageError([f"{self.task}: a campaign needs a mutator: give --mutator"])
        known = self.site.store.progress_path(self.first).exists()
        if self.first not in (NEXT, self._claimed) and not known:
            text = f"no campaign of the task begins with attempt {self.first}"
            return TaskUsageError(
                [f"{self.task}: --first: {text}: leave --first out for a new one"]
            )
        return None

    def _print_result(self, ended: CampaignResult) -> None:
        write_record(self.site.store.campaign(self._first_attempt()), ended)
        print_record(ended)
        self._has_printed = True
        if ended.why == "crashes":
            raise TaskCrashed(f"attempt {ended.attempts[-1]} crashed, and those before it")

    def _whisper(self, done: Sequence[AttemptRecord]) -> None:
        """Say of each attempt how it ended, once and to people only: on standard error."""
        for record in done[self._reported :]:
            words = f"attempt {record.attempt}: {record.status}, {record.reason}: {record.detail}"
            print(printable(words), file=sys.stderr, flush=True)
        self._reported = len(done)

    def _first_attempt(self) -> int:
        if self.first == NEXT:
            self.first = self._claimed = self.site.store.claim()
        return self.first
