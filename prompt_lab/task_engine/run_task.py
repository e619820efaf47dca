"""One attempt at a task with its record, and the way back from the last keep."""

import json
from pathlib import Path

from pydantic import BaseModel

from prompt_lab.clock import utc_now
from prompt_lab.errors import ConfigError, LabBusy, LabError
from prompt_lab.report.terminal import write_output
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.task_engine.attempt import ActiveAttempt
from prompt_lab.task_engine.record import (
    NO_ATTEMPT,
    AttemptCode,
    AttemptRecord,
    AttemptStatus,
    Undo,
)
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy.files import Conflict


class TaskCrashed(LabError):
    """An attempt ended in a crash: its record says why."""


class TaskUsageError(ConfigError):
    """What the command line gives or asks for cannot be used."""


def code_of(error: LabError) -> AttemptCode:
    """The reason of a crash that the engine itself ends in."""
    if isinstance(error, Conflict):
        return AttemptCode.WORKSPACE_CHANGED
    if isinstance(error, TaskUsageError):
        return AttemptCode.BAD_FLAG
    return AttemptCode.BUSY if isinstance(error, LabBusy) else AttemptCode.ENGINE


def make_attempt(
    context: TaskContext,
    number: int,
    mutator: tuple[str, ...],
    candidate: Path | None,
    wait_seconds: float,
    *,
    another: bool = False,
) -> None:
    """Make a candidate, score it, and record how that ended, a failure of ours included.

    Waits so long for another engine on the same task. `another`: the next attempt is likely to
    follow at once, and may be prepared: the caller ends that by `drop_prepared` of the commands.
    Raises LabError only where not even the record can be written.
    """
    started = utc_now()
    try:
        with disk_errors(context.store.work), context.hold_task_lock(wait_seconds):
            ActiveAttempt(context, number, started, mutator, candidate, another=another).run()
    except LabError as error:
        record = crash(context.task.id, number, code_of(error), str(error), started)
        _record_crash(context, record)
    finally:
        if not another:
            context.tools.commands.drop_prepared()


def undo_last_keep(context: TaskContext, file: str, wait_seconds: float) -> None:
    """Take the last keep back and print its record. Raises LabError after a crash's record."""
    started = utc_now()
    try:
        print_record(_undo(context, file, wait_seconds))
    except LabError as error:
        detail = f"--undo: {error}"
        print_record(crash(context.task.id, NO_ATTEMPT, code_of(error), detail, started))
        raise


def _undo(context: TaskContext, file: str, wait_seconds: float) -> Undo:
    with context.hold_task_lock(wait_seconds):
        context.sync.recover()
        number = context.store.last_keep()
        if not number:
            raise TaskUsageError([f"{file}: no attempt of the task was kept"])
        files = context.sync.files_of(number)
        record = Undo(task_id=context.task.id, undone=number, files=files, started=utc_now())
        context.sync.undo(number, record)
    return record


def _record_crash(context: TaskContext, record: AttemptRecord) -> None:
    """Record it; where the disk refuses that too, print it at least."""
    try:
        context.store.append(json.loads(record.model_dump_json()))
        write_text(context.store.record(record.attempt), record.model_dump_json() + "\n")
    except LabError:
        print_record(record)
        raise


def crash(task_id: str, number: int, code: AttemptCode, detail: str, started: str) -> AttemptRecord:
    """The record of an attempt that never came to a candidate."""
    return AttemptRecord(
        task_id=task_id,
        attempt=number,
        status=AttemptStatus.CRASH,
        reason=code,
        detail=detail,
        started=started,
    )


def print_record(record: BaseModel) -> None:
    """The one line on standard output: JSON in ASCII, which no terminal can misread."""
    write_output(json.dumps(json.loads(record.model_dump_json())))
