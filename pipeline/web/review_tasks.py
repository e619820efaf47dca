"""Reviews that were asked for over the web: each runs as a luigi process, its state in a file.

A lock that the process inherits says whether it still runs, so a restart of the web app neither
ends it nor forgets it.
"""

import fcntl
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabBusy, UnknownName
from prompt_lab.records import Record
from prompt_lab.redact import Redactor
from prompt_lab.store.files import disk_errors, read_record, write_record
from prompt_lab.store.layout import Lab

MOST_LISTED = 20
TAIL_BYTES = 4096
LINE_CHARACTERS = 300
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_FIX = "Remove it; the review itself is under reviews/"


class ReviewTaskState(StrEnum):
    """Where a review that was asked for stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class ReviewTask(Record):
    """One review that was asked for, as its file says."""

    version: int = 1
    id: str
    state: ReviewTaskState = ReviewTaskState.RUNNING
    window_hours: float
    dry_run: bool = False
    by: str = ""
    started: str
    ended: str = ""
    exit_code: int | None = None
    last_line: str = Field(default="", description="of its output, without secrets")


class ReviewTasks:
    """The reviews of one lab that were asked for. One runs at a time."""

    def __init__(self, lab: Lab, command: Sequence[str] = ()) -> None:
        self._lab = lab
        self._command = tuple(command) or (
            *(sys.executable, "-m", "luigi", "--module", "pipeline", "DailyReview"),
        )
        self.folder = lab.root / "work" / "review_tasks"
        self._own: dict[str, threading.Thread] = {}
        self._writing = threading.Lock()

    def start(self, window_hours: float, *, dry_run: bool, by: str) -> ReviewTask:
        """Start a review. Raises LabBusy while another one runs."""
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / ".running.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _take(lock):
                raise LabBusy("A review is running already. Wait for it; its state is listed.")
            task = ReviewTask(
                id=secrets.token_hex(8),
                window_hours=window_hours,
                dry_run=dry_run,
                by=by,
                started=utc_now(),
            )
            write_record(self._file(task.id), task)
            process = self._spawn(task, lock)
        finally:
            os.close(lock)  # the process has its own
        waiting = threading.Thread(target=self._wait, args=(task, process), daemon=True)
        self._own[task.id] = waiting
        waiting.start()
        return task

    def read(self, task_id: str) -> ReviewTask:
        """One task. Raises UnknownName."""
        if not task_id.isalnum() or not self._file(task_id).exists():
            raise UnknownName("task", task_id, (), str(self.folder))
        return self._with_state(read_record(self._file(task_id), ReviewTask, fix=_FIX))

    def list_tasks(self) -> list[ReviewTask]:
        """The latest, newest first."""
        with disk_errors(self.folder):
            paths = list(self.folder.glob("*.json"))
        found = [read_record(path, ReviewTask, fix=_FIX) for path in paths]
        found.sort(key=lambda task: task.started, reverse=True)
        return [self._with_state(task) for task in found[:MOST_LISTED]]

    def join(self, task_id: str) -> None:
        """Wait until a task that this process started has ended."""
        if task_id in self._own:
            self._own[task_id].join()

    def _spawn(self, task: ReviewTask, lock: int) -> "subprocess.Popen[bytes]":
        words = [*self._command, "--window", f"{task.window_hours:g}"]
        # What a person asks for is a review of its own, also on a day that has one.
        words.append("--dry-run" if task.dry_run else "--again")
        environment = {**os.environ, "PROMPTLAB_ROOT": str(self._lab.root)}
        with disk_errors(self.folder), self._log(task.id).open("wb") as log:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(lock,),
                start_new_session=True,  # a Ctrl-C at the web app does not end the review
            )

    def _wait(self, task: ReviewTask, process: "subprocess.Popen[bytes]") -> None:
        code = process.wait()
        state = ReviewTaskState.FAILED if code else ReviewTaskState.SUCCEEDED
        self._end(task, state, code)

    def _with_state(self, task: ReviewTask) -> ReviewTask:
        """A task of an earlier web app, whose end was not recorded, was interrupted."""
        own = self._own.get(task.id)
        if task.state is not ReviewTaskState.RUNNING or (own is not None and own.is_alive()):
            return task
        if own is not None:
            return read_record(self._file(task.id), ReviewTask, fix=_FIX)
        return task if self._is_running() else self._end(task, ReviewTaskState.INTERRUPTED, None)

    def _is_running(self) -> bool:
        with disk_errors(self.folder):
            lock = os.open(self.folder / ".running.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return not _take(lock)
        finally:
            os.close(lock)

    def _end(self, task: ReviewTask, state: ReviewTaskState, code: int | None) -> ReviewTask:
        ended = task.model_copy(
            update={
                "state": state,
                "ended": utc_now(),
                "exit_code": code,
                "last_line": self._read_last_line(task.id),
            }
        )
        with self._writing:
            write_record(self._file(task.id), ended)
        return ended

    def _read_last_line(self, task_id: str) -> str:
        try:
            with self._log(task_id).open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL_BYTES))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        secrets_here = (value for name, value in os.environ.items() if _SECRET.search(name))
        return Redactor(secrets_here).text(lines[-1] if lines else "")[:LINE_CHARACTERS]

    def _file(self, task_id: str) -> Path:
        return self.folder / f"{task_id}.json"

    def _log(self, task_id: str) -> Path:
        return self.folder / f"{task_id}.log"


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
