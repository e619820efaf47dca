"""RunTask: one safe iteration of a task.yaml. One JSON record on standard output, nothing else."""

import json
from pathlib import Path

import luigi

from pipeline.base import File, LabTask, utc_now
from pipeline.logs import say
from pipeline.params import AmountParameter, CountParameter
from pipeline.task_attempt import Attempt as Going
from pipeline.task_explain import explained
from pipeline.task_site import Site
from prompt_lab.errors import ConfigError, LabBusy, LabError
from prompt_lab.store.files import read_record, write_text
from prompt_lab.tasks.paths import words
from prompt_lab.tasks.record import Code, Record, Status, Undo

NEXT = 0


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

    @property
    def site(self) -> Site:
        """The task, read once. Raises ConfigError."""
        if self._site is None:
            self._site = Site.open(Path(self.task))
        return self._site


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
            code = Code.BUSY if isinstance(error, LabBusy) else Code.ENGINE
            record = crash(site.task.id, self.number, code, str(error), started)
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
    _fault: LabError | None = None

    def complete(self) -> bool:
        """It is done once it has spoken."""
        return self._said

    def requires(self) -> list[luigi.Task]:
        """The attempt; nothing where there is none to make."""
        if self.explain or self.undo or self._faulty():
            return []
        if self.number == NEXT:
            self.number = self.site.store.claim()
        return [self.clone(Attempt)]

    def run(self) -> None:
        """Say how it ended. Raises TaskCrashed after the record of a crash."""
        fault = self._faulty()
        if self.explain and fault is None:
            say(explained(self.site))
        elif self.undo and fault is None:
            tell(self._undone())
        else:
            self._tell_attempt(fault)
        self._said = True

    def _tell_attempt(self, fault: LabError | None) -> None:
        if fault is None:
            record = read_record(self.site.store.record(self.number), Record)
        else:
            record = crash("", 0, Code.BAD_TASK, str(fault), utc_now())
        tell(record)
        if record.status is Status.CRASH:
            raise fault or TaskCrashed(f"{record.reason}: {record.detail}")

    def _undone(self) -> Undo:
        site = self.site
        with site.alone(self.wait):
            site.sync.recover()
            number = site.store.last_keep()
            if not number:
                raise ConfigError([f"{self.task}: --undo: no attempt of the task was kept"])
            record = Undo(
                task_id=site.task.id, undone=number, files=site.sync.files_of(number),
                started=utc_now(),
            )  # fmt: skip
            site.sync.undo(number, record)
        return record

    def _faulty(self) -> LabError | None:
        """What is wrong with the task.yaml, if anything is."""
        if self._fault is None:
            try:
                _ = self.site
            except LabError as error:
                self._fault = error
        return self._fault


def crash(task_id: str, number: int, code: Code, detail: str, started: str) -> Record:
    """The record of an attempt that never came to a candidate."""
    return Record(
        task_id=task_id, attempt=number, status=Status.CRASH, reason=code, detail=detail,
        started=started,
    )  # fmt: skip


def tell(record: Record | Undo) -> None:
    """The one line on standard output: JSON in ASCII, which no terminal can misread."""
    print(json.dumps(json.loads(record.model_dump_json())), flush=True)
