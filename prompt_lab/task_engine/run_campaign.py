"""A campaign: attempts at one task, one after the other, until goal or budget."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prompt_lab.clock import utc_now
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.task_engine.campaign import CampaignProgress, CampaignResult, end_of
from prompt_lab.task_engine.record import AttemptRecord
from prompt_lab.task_engine.task_context import TaskContext


@dataclass
class CampaignRun:
    """The campaign that begins with attempt `first`; `most` attempts, 0 for the task's budget."""

    context: TaskContext
    first: int
    most: int
    _result: CampaignResult | None = None

    def attempts(self, show: Callable[[list[AttemptRecord]], None]) -> Iterator[int]:
        """Yield the number of each attempt that has to be there before the next one.

        It may be started from the top at any time: progress is a file. `show` gets the records of
        all attempts so far.
        """
        store = self.context.store
        path = store.progress_path(self.first)
        progress = read_if_whole(path, CampaignProgress) or CampaignProgress(
            started=utc_now(), attempts=(self.first,)
        )
        write_record(path, progress, durable=False)
        while True:
            yield progress.attempts[-1]
            done = [read_record(store.record(n), AttemptRecord) for n in progress.attempts]
            show(done)
            seconds = (datetime.now(UTC) - datetime.fromisoformat(progress.started)).total_seconds()
            self._result = end_of(self.context.task, done, seconds, self.most)
            if self._result is not None:
                self.context.tools.commands.drop_prepared()
                write_record(store.campaign(self.first), self._result)
                return
            attempts = (*progress.attempts, store.claim())
            progress = progress.model_copy(update={"attempts": attempts})
            write_record(path, progress, durable=False)

    def result(self) -> CampaignResult:
        """How it ended, once all attempts are made."""
        assert self._result is not None
        return self._result
