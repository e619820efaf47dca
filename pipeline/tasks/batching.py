"""Lets a Luigi batch report each of its members to the scheduler, and see what others have."""

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

import luigi
from luigi.rpc import RPCError
from luigi.scheduler import Scheduler
from luigi.task_status import BATCH_RUNNING, DONE, FAILED, PENDING, RUNNING

T = TypeVar("T")
_current: "MemberReports | None" = None
PAUSE_SECONDS = 10
"""How long a luigid that does not answer is left alone; each attempt takes seconds of its own."""


class MemberReports:
    """Named in luigi.cfg as the context of every task process; `current()` is the one at work.

    Without it one failing member would mark the whole batch as failed, and a retry would run all.
    A luigid that does not answer keeps no run from being made: reports wait until it does.
    """

    def __init__(self, process: Any) -> None:
        self._scheduler = process.status_reporter._scheduler
        self._worker = process.worker_id
        self._task = process.task.task_id
        self._lock = Lock()
        # A scheduler of this process alone has no page, and each report costs it a look at every
        # member: the square of their number in all.
        self.watched = not isinstance(self._scheduler, Scheduler)
        self._report_page: Callable[[str], None] = process.status_reporter.update_tracking_url
        self._page: str = getattr(process.task, "page_url", "") if self.watched else ""
        self._unreported: list[str] = []
        self._silent_until = 0.0

    def __enter__(self) -> Self:
        global _current  # noqa: PLW0603 -- luigi makes the context; the task has to find it
        _current = self
        if self._page:
            with self._lock:
                self._call(lambda: self._report_page(self._page))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _current  # noqa: PLW0603
        _current = None

    def member_done(self, task_id: str, *, at_once: bool = True) -> None:
        """Report one finished member to the scheduler. The batch's own task needs no report.

        Not `at_once`: together with the batch, for which one message is enough.
        """
        if task_id == self._task:
            return
        with self._lock:
            self._unreported.append(task_id)
            if self.watched and at_once:
                self._report_done()

    def task_failed(self, task_id: str, reason: str) -> None:
        """Report a task that is no member of this batch, so that this command gets it no more."""
        with self._lock:
            self._call(
                lambda: self._scheduler.add_task(
                    task_id=task_id, worker=self._worker, status=FAILED, expl=reason
                )
            )

    def before_failing(self) -> None:
        """Report what is left: a batch that fails takes with it all members not known as done."""
        with self._lock:
            self._silent_until = 0.0
            self._report_done()

    def progress(self, message: str, percent: int) -> None:
        """Show how far the batch is on luigid's page."""
        if not self.watched:
            return
        with self._lock:
            self._call(lambda: self._scheduler.set_task_status_message(self._task, message))
            self._call(lambda: self._scheduler.set_task_progress_percentage(self._task, percent))

    def unfinished_like(self, task: luigi.Task, but: Collection[str]) -> list[Mapping[str, str]]:
        """The parameters of luigid's unfinished tasks that differ from `task` only in `but`."""
        if not self.watched:
            return []
        family, own = task.get_task_family(), task.to_str_params()
        fixed = {name: value for name, value in own.items() if name not in but}
        found = []
        for status in (PENDING, BATCH_RUNNING, RUNNING):
            listed = self._call(
                partial(self._scheduler.task_list, status=status, upstream_status="", limit=False)
            )
            for one in (listed or {}).values():
                params = one["params"]
                if one["name"] == family and fixed.items() <= params.items():
                    found.append(params)
        return found

    def limit_batches(self, kind: type[luigi.Task], size: float) -> None:
        """How many tasks of a kind luigid hands to this process at once from now on."""
        if self.watched:
            names = kind.batch_param_names()
            self._call(
                lambda: self._scheduler.add_task_batcher(
                    worker=self._worker,
                    task_family=kind.get_task_family(),
                    batched_args=names,
                    max_batch_size=size,
                )
            )

    def _report_done(self) -> None:
        while self._unreported and time.monotonic() >= self._silent_until:
            task_id = self._unreported[-1]
            self._call(
                partial(
                    self._scheduler.add_task,
                    task_id=task_id,
                    worker=self._worker,
                    status=DONE,
                    tracking_url=self._page or None,
                )
            )
            if time.monotonic() >= self._silent_until:
                self._unreported.pop()

    def _call(self, call: Callable[[], T]) -> T | None:
        if time.monotonic() < self._silent_until:
            return None
        try:
            return call()
        except RPCError:
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            return None


def current() -> MemberReports | None:
    """The reports of the task that runs in this process, or None outside luigi."""
    return _current
