"""Lets a Luigi batch tell the scheduler of each of its members as that member ends."""

from threading import Lock
from types import TracebackType
from typing import Any, Self

from luigi.scheduler import Scheduler

_current: "MemberReports | None" = None


class MemberReports:
    """Named in luigi.cfg as the context of every task process; `current()` is the one at work.

    Without it one failing member would mark the whole batch as failed, and a retry would run all.
    """

    def __init__(self, process: Any) -> None:
        self._scheduler = process.status_reporter._scheduler
        self._worker = process.worker_id
        self._task = process.task.task_id
        self._lock = Lock()
        # A scheduler of this process alone has no page, and each report costs it a look at every
        # member: the square of their number in all.
        self._watched = not isinstance(self._scheduler, Scheduler)
        self._untold: list[str] = []

    def __enter__(self) -> Self:
        global _current  # noqa: PLW0603 -- luigi makes the context; the task has to find it
        _current = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _current  # noqa: PLW0603
        _current = None

    def member_done(self, task_id: str) -> None:
        """Report one finished member to the scheduler. The batch's own task needs no report."""
        if task_id == self._task:
            return
        with self._lock:
            self._untold.append(task_id)
            if self._watched:
                self._send_reports()

    def before_failing(self) -> None:
        """What is untold yet: a batch that fails takes with it all members not known as done."""
        with self._lock:
            self._send_reports()

    def progress(self, message: str, percent: int) -> None:
        """Show how far the batch is on luigid's page."""
        if not self._watched:
            return
        with self._lock:
            self._scheduler.set_task_status_message(self._task, message)
            self._scheduler.set_task_progress_percentage(self._task, percent)

    def _send_reports(self) -> None:
        while self._untold:
            task_id = self._untold.pop()
            self._scheduler.add_task(task_id=task_id, worker=self._worker, status="DONE")


def current() -> MemberReports | None:
    """The reports of the task that runs in this process, or None outside luigi."""
    return _current
