"""RunTask: one safe iteration of a task.yaml. One JSON record on standard output, nothing else."""

import json
from pathlib import Path

import luigi
from pydantic import BaseModel

from adapters.sandbox.files import Conflict
from pipeline.base import File, LabTask, utc_now
from pipeline.logs import say
from pipeline.params import AmountParameter, CountParameter
from pipeline.task_attempt import Attempt as Going
from pipeline.task_explain import explained
from pipeline.task_site import Site
from prompt_lab.errors import LabBusy, LabError, TargetError
from prompt_lab.store.files import read_record, write_text
from prompt_lab.tasks.paths import words
from prompt_lab.tasks.record import Code, Record, Status, Undo

NEXT = 0
NOTHING = 0
"""The number of an attempt that was never begun."""


class TaskCrashed(LabError):
    """An attempt ended in a crash: its record says why."""


class OfTask(LabTask):
    """What belongs to one task.yaml."""

    task = luigi.Parameter(description="path of a task.yaml")
    wait = AmountParameter(
        "--wait", default=600.0, description="seconds to wait for another engine on the same task"
    )
    mutator = luigi.Parameter(default="", description="a command in place of the task's mutator")

    _site: Site | None = None
    _fault: LabError | None = None

    @property
    def site(self) -> Site:
        """The task, read once. Raises ConfigError."""
        if self._site is None:
            self._site = Site.open(Path(self.task))
        return self._site

    def faulty(self) -> LabError | None:
        """What is wrong with the task.yaml, if anything is."""
        if self._fault is None:
            try:
                _ = self.site
            except LabError as error:
                self._fault = error
        return self._fault


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
            with site.alone(self.wait):
                going = Going(
                    site, self.number, started, tuple(words(self.mutator)),
                    Path(self.candidate).resolve() if self.candidate else None,
                )  # fmt: skip
                going.run()
        except LabError as error:
            record = crash(site.task.id, self.number, _code(error), str(error), started)
            site.store.append(json.loads(record.model_dump_json()))
            write_text(site.store.record(self.number), record.model_dump_json() + "\n")


class RunTask(OfTask):
    """One attempt at a task.yaml, told as one JSON record; or --explain, or --undo."""

    candidate = luigi.Parameter(
        default="", description="a folder of changed files in place of a mutator"
    )
    number = CountParameter(
        "--number", least=0, default=NEXT, description="the attempt; default: the next one"
    )
    explain = luigi.BoolParameter(description="say what the task allows, and what was tried")
    undo = luigi.BoolParameter(description="take the last keep back")

    _said = False

    def complete(self) -> bool:
        """It is done once it has spoken."""
        return self._said

    def requires(self) -> list[luigi.Task]:
        """The attempt; nothing where there is none to make."""
        if self.explain or self.undo or self.faulty():
            return []
        if self.number == NEXT:
            self.number = self.site.store.claim()
        return [self.clone(Attempt)]

    def run(self) -> None:
        """Say how it ended. Raises LabError after the record of a crash."""
        fault = self.faulty()
        if fault is not None:
            tell(bad_task(fault))
            raise fault
        if self.explain:
            say(explained(self.site))
        elif self.undo:
            self._tell_undo()
        else:
            self._tell_attempt()
        self._said = True

    def _tell_attempt(self) -> None:
        record = read_record(self.site.store.record(self.number), Record)
        tell(record)
        if record.status is Status.CRASH:
            raise TaskCrashed(f"{record.reason}: {record.detail}")

    def _tell_undo(self) -> None:
        started = utc_now()
        try:
            tell(self._undone())
        except LabError as error:
            code = Code.WORKSPACE_CHANGED if isinstance(error, Conflict) else _code(error)
            tell(crash(self.site.task.id, NOTHING, code, f"--undo: {error}", started))
            raise

    def _undone(self) -> Undo:
        site = self.site
        with site.alone(self.wait):
            site.sync.recover()
            number = site.store.last_keep()
            if not number:
                raise TargetError(f"{self.task}: no attempt of the task is kept")
            record = Undo(
                task_id=site.task.id, undone=number, files=site.sync.files_of(number),
                started=utc_now(),
            )  # fmt: skip
            site.sync.undo(number, record)
        return record


def bad_task(fault: LabError) -> Record:
    """The record where the task.yaml cannot be used."""
    return crash("", NOTHING, Code.BAD_TASK, str(fault), utc_now())


def crash(task_id: str, number: int, code: Code, detail: str, started: str) -> Record:
    """The record of an attempt that never came to a candidate."""
    return Record(
        task_id=task_id, attempt=number, status=Status.CRASH, reason=code, detail=detail,
        started=started,
    )  # fmt: skip


def _code(error: LabError) -> Code:
    return Code.BUSY if isinstance(error, LabBusy) else Code.ENGINE


def tell(record: BaseModel) -> None:
    """The one line on standard output: JSON in ASCII, which no terminal can misread."""
    print(json.dumps(json.loads(record.model_dump_json())), flush=True)
