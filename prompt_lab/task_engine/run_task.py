"""RunTask: one safe iteration of a task.yaml. One JSON record on standard output, nothing else."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import luigi
from pydantic import BaseModel

from adapters.sandbox.files import Conflict
from pipeline.console import say, write_output
from pipeline.tasks.base import File, LabTask, utc_now
from pipeline.tasks.parameters import AmountParameter, CountParameter
from pipeline.tasks.printing import PrintingTask
from prompt_lab.errors import ConfigError, LabBusy, LabError
from prompt_lab.store.files import disk_errors, read_record, write_text
from prompt_lab.task_engine.attempt import ActiveAttempt as Going
from prompt_lab.task_engine.explain_command import explained
from prompt_lab.task_engine.paths import split_command
from prompt_lab.task_engine.record import AttemptCode, AttemptRecord, AttemptStatus, Undo
from prompt_lab.task_engine.task_context import TaskContext

NEXT = 0
NOTHING = 0
"""The number of an attempt that was never begun."""


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


class OfTask(LabTask):
    """What belongs to one task.yaml."""

    task = luigi.Parameter(description="path of a task.yaml")
    wait = AmountParameter(
        "--wait", default=600.0, description="seconds to wait for another engine on the same task"
    )
    mutator = luigi.Parameter(default="", description="a command in place of the task's mutator")

    @classmethod
    def owner_id(cls, values: Mapping[str, Any]) -> str:
        """A digest of the task.yaml's path: such a task has no lab."""
        return sha256(str(Path(values["task"]).resolve()).encode()).hexdigest()[:12]

    _site: TaskContext | None = None
    _fault: LabError | None = None

    def reset_state(self) -> None:
        """Since an earlier build the task.yaml may have changed."""
        super().reset_state()
        self._site = self._fault = None

    @property
    def mutator_words(self) -> tuple[str, ...]:
        """--mutator as words. Raises BadFlag."""
        try:
            return tuple(split_command(self.mutator))
        except ValueError as error:
            raise TaskUsageError([f"--mutator {self.mutator}: {error}"]) from error

    @property
    def site(self) -> TaskContext:
        """The task, read once. Raises ConfigError."""
        if self._site is None:
            self._site = TaskContext.open(Path(self.task))
        return self._site

    def faulty(self) -> LabError | None:
        """What is wrong with the task.yaml or the flags, if anything is."""
        if self._fault is None:
            try:
                _ = self.site, self.mutator_words
                self._fault = self.flags_fault()
            except LabError as error:
                self._fault = error
        return self._fault

    def flags_fault(self) -> LabError | None:
        """What a task of this kind cannot do with its flags, whose task.yaml is well."""
        return None

    def refuse(self) -> None:
        """Say what keeps it from beginning, as one record. Raises LabError."""
        fault = self.faulty()
        if fault is not None:
            print_record(crash("", NOTHING, self._code_of(fault), str(fault), utc_now()))
            raise fault

    def _code_of(self, fault: LabError) -> AttemptCode:
        return code_of(fault) if self._site else AttemptCode.BAD_TASK


class Attempt(OfTask):
    """One attempt at a task. Writes record.json into its folder, and a line of results.jsonl."""

    candidate = luigi.Parameter(
        default="", description="a folder of changed files in place of a mutator"
    )
    number = CountParameter(
        "--number", least=0, default=NEXT, description="the attempt; default: the next one"
    )

    def output(self) -> luigi.LocalTarget:
        """The attempt's record: the proof that it is over."""
        return File(str(self.site.store.record(self.number)))

    def run(self) -> None:
        """Make a candidate, judge it, and record how that ended, a failure of ours included."""
        site, started = self.site, utc_now()
        try:
            with disk_errors(site.store.work), site.hold_task_lock(self.wait):
                going = Going(
                    site, self.number, started, self.mutator_words,
                    Path(self.candidate).resolve() if self.candidate else None,
                )  # fmt: skip
                going.run()
        except LabError as error:
            self._crashed(crash(site.task.id, self.number, code_of(error), str(error), started))

    def _crashed(self, record: AttemptRecord) -> None:
        """Record it; where the disk refuses that too, say it at least."""
        store = self.site.store
        try:
            store.append(json.loads(record.model_dump_json()))
            write_text(store.record(self.number), record.model_dump_json() + "\n")
        except LabError:
            print_record(record)
            raise


class RunTask(PrintingTask, OfTask):
    """One attempt at a task.yaml, told as one JSON record; or --explain, or --undo."""

    candidate = luigi.Parameter(
        default="", description="a folder of changed files in place of a mutator"
    )
    number = CountParameter(
        "--number", least=0, default=NEXT, description="the attempt; default: the next one"
    )
    explain = luigi.BoolParameter(description="say what the task allows, and what was tried")
    undo = luigi.BoolParameter(description="take the last keep back")

    def requires(self) -> list[luigi.Task]:
        """The attempt; nothing where there is none to make."""
        if self.explain or self.undo or self.faulty():
            return []
        try:
            if self.number == NEXT:
                self.number = self.site.store.claim()
        except LabError as error:
            self._fault = error
            return []
        return [self.clone(Attempt)]

    def reset_state(self) -> None:
        """Another build makes another attempt, unless --number names one."""
        super().reset_state()
        self.number = self.param_kwargs["number"]

    def flags_fault(self) -> LabError | None:
        """A page and an undo are two things."""
        if self.explain and self.undo:
            return TaskUsageError([f"{self.task}: --undo and --explain: give one of them"])
        return None

    def run(self) -> None:
        """Say how it ended. Raises LabError after the record of a crash."""
        self.refuse()
        if self.explain:
            say(explained(self.site))
        elif self.undo:
            self._tell_undo()
        else:
            self._tell_attempt()
        self._has_printed = True

    def _tell_attempt(self) -> None:
        record = read_record(self.site.store.record(self.number), AttemptRecord)
        print_record(record)
        if record.status is AttemptStatus.CRASH:
            raise TaskCrashed(f"{record.reason}: {record.detail}")

    def _tell_undo(self) -> None:
        started = utc_now()
        try:
            print_record(self._undone())
        except LabError as error:
            print_record(
                crash(self.site.task.id, NOTHING, code_of(error), f"--undo: {error}", started)
            )
            raise

    def _undone(self) -> Undo:
        site = self.site
        with site.hold_task_lock(self.wait):
            site.sync.recover()
            number = site.store.last_keep()
            if not number:
                raise TaskUsageError([f"{self.task}: no attempt of the task was kept"])
            record = Undo(
                task_id=site.task.id, undone=number, files=site.sync.files_of(number),
                started=utc_now(),
            )  # fmt: skip
            site.sync.undo(number, record)
        return record


def crash(task_id: str, number: int, code: AttemptCode, detail: str, started: str) -> AttemptRecord:
    """The record of an attempt that never came to a candidate."""
    return AttemptRecord(
        task_id=task_id, attempt=number, status=AttemptStatus.CRASH, reason=code, detail=detail,
        started=started,
    )  # fmt: skip


def print_record(record: BaseModel) -> None:
    """The one line on standard output: JSON in ASCII, which no terminal can misread."""
    write_output(json.dumps(json.loads(record.model_dump_json())))
