"""RunTask: one safe iteration of a task.yaml; Campaign: attempts until goal or budget.

Standard output holds one JSON record, nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.tasks.base import File, LabTask
from pipeline.tasks.parameters import AmountParameter, CountParameter
from pipeline.tasks.printing import PrintingTask
from pipeline.wiring import task_tools
from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError
from prompt_lab.lazy import call_on_use
from prompt_lab.report.terminal import printable, say
from prompt_lab.store.files import read_record
from prompt_lab.task_engine.record import NO_ATTEMPT, AttemptCode, AttemptRecord, AttemptStatus

if TYPE_CHECKING:
    from prompt_lab.task_engine.explain_command import explained
    from prompt_lab.task_engine.paths import split_command
    from prompt_lab.task_engine.run_campaign import CampaignRun
    from prompt_lab.task_engine.run_task import (
        TaskCrashed,
        TaskUsageError,
        code_of,
        crash,
        make_attempt,
        print_record,
        undo_last_keep,
    )
    from prompt_lab.task_engine.task_context import TaskContext

call_on_use(
    globals(),
    {
        "prompt_lab.task_engine.explain_command": "explained",
        "prompt_lab.task_engine.paths": "split_command",
        "prompt_lab.task_engine.run_campaign": "CampaignRun",
        "prompt_lab.task_engine.task_context": "TaskContext",
        "prompt_lab.task_engine.run_task": (
            "TaskCrashed TaskUsageError code_of crash make_attempt print_record undo_last_keep"
        ),
    },
)

NEXT = 0


class EngineTask(LabTask):
    """What belongs to one task.yaml."""

    task = luigi.Parameter(description="path of a task.yaml")
    wait = AmountParameter(
        "--wait", default=600.0, description="seconds to wait for another engine on the same task"
    )
    mutator = luigi.Parameter(default="", description="a command in place of the task's mutator")

    _opened: TaskContext | None = None
    _fault: LabError | None = None

    @classmethod
    def owner_id(cls, values: Mapping[str, Any]) -> str:
        """A digest of the task.yaml's path: such a task has no lab."""
        return sha256(str(Path(values["task"]).resolve()).encode()).hexdigest()[:12]

    def reset_state(self) -> None:
        """Since an earlier build the task.yaml may have changed."""
        super().reset_state()
        self._opened = self._fault = None

    @property
    def mutator_words(self) -> tuple[str, ...]:
        """--mutator as words. Raises TaskUsageError."""
        try:
            return tuple(split_command(self.mutator))
        except ValueError as error:
            raise TaskUsageError([f"--mutator {self.mutator}: {error}"]) from error

    @property
    def task_context(self) -> TaskContext:
        """The task, read once. Raises ConfigError."""
        if self._opened is None:
            self._opened = TaskContext.open(Path(self.task), task_tools())
        return self._opened

    def find_fault(self) -> LabError | None:
        """What is wrong with the task.yaml or the flags, if anything is."""
        if self._fault is None:
            try:
                _ = self.task_context, self.mutator_words
                self._fault = self.find_flag_fault()
            except LabError as error:
                self._fault = error
        return self._fault

    def find_flag_fault(self) -> LabError | None:
        """What a task of this kind cannot do with its flags, whose task.yaml is in order."""
        return None

    def refuse(self) -> None:
        """Print what keeps it from beginning, as one record. Raises LabError."""
        fault = self.find_fault()
        if fault is not None:
            code = code_of(fault) if self._opened else AttemptCode.BAD_TASK
            print_record(crash("", NO_ATTEMPT, code, str(fault), utc_now()))
            raise fault

    def attempt(self, number: int, candidate: str = "", *, another: bool = False) -> None:
        """Make one attempt and write its record; `another` is likely to follow at once."""
        folder = Path(candidate).resolve() if candidate else None
        make_attempt(
            self.task_context, number, self.mutator_words, folder, self.wait, another=another
        )


class Attempt(EngineTask):
    """One attempt at a task. Writes record.json into its folder, and a line of results.jsonl."""

    number = CountParameter("--number", least=1, default=NEXT, description="the attempt")

    def output(self) -> luigi.LocalTarget:
        """The attempt's record: the proof that it is over."""
        return File(str(self.task_context.store.record(self.number)))

    def run(self) -> None:
        """Make a candidate, score it, and record how that ended, a failure of ours included."""
        self.attempt(self.number, another=True)


class RunTask(PrintingTask, EngineTask):
    """One attempt at a task.yaml, reported as one JSON record; or --explain, or --undo."""

    candidate = luigi.Parameter(
        default="", description="a folder of changed files in place of a mutator"
    )
    number = CountParameter(
        "--number", least=0, default=NEXT, description="the attempt; default: the next one"
    )
    explain = luigi.BoolParameter(description="print what the task allows, and what was tried")
    undo = luigi.BoolParameter(
        description="revert the last keep only; run again, the one before it"
    )

    def find_flag_fault(self) -> LabError | None:
        """A page and an undo are two things."""
        if self.explain and self.undo:
            return TaskUsageError([f"{self.task}: --undo and --explain: give one of them"])
        return None

    def run(self) -> None:
        """Print how it ended. Raises LabError after the record of a crash."""
        self.refuse()
        if self.explain:
            say(explained(self.task_context))
        elif self.undo:
            undo_last_keep(self.task_context, self.task, self.wait)
        else:
            self._attempt_once()
        self._has_printed = True

    def _attempt_once(self) -> None:
        store = self.task_context.store
        try:
            number = self.number or store.claim()
        except LabError as error:
            print_record(crash("", NO_ATTEMPT, code_of(error), str(error), utc_now()))
            raise
        if not store.record(number).exists():
            self.attempt(number, self.candidate)
        record = read_record(store.record(number), AttemptRecord)
        print_record(record)
        if record.status is AttemptStatus.CRASH:
            raise TaskCrashed(f"{record.reason}: {record.detail}")


class Campaign(PrintingTask, EngineTask):
    """Attempts at a task until budget or goal. Writes campaigns/<first attempt>.json."""

    iterations = CountParameter(
        "--iterations", least=1, default=0, description="attempts; default: the task's budget"
    )
    first = CountParameter(
        "--first", least=0, default=NEXT, description="the campaign to continue; default: new"
    )
    _run: CampaignRun | None = None
    _shown = 0

    def output(self) -> luigi.LocalTarget:
        """The campaign's record."""
        return File(str(self.task_context.store.campaign(self._campaign.first)))

    def reset_state(self) -> None:
        """Another build is another campaign, unless --first names one."""
        super().reset_state()
        self._run, self._shown = None, 0

    @property
    def _campaign(self) -> CampaignRun:
        if self._run is None:
            first = self.first or self.task_context.store.claim()
            self._run = CampaignRun(self.task_context, first, self.iterations)
        return self._run

    def run(self) -> Iterator[Any]:
        """One attempt at a time, each a task of its own; none is made twice. Raises LabError."""
        self.refuse()
        for number in self._campaign.attempts(self._show):
            yield self.clone(Attempt, number=number)
        result = self._campaign.result()
        print_record(result)
        self._has_printed = True
        if result.why == "crashes":
            raise TaskCrashed(f"attempt {result.attempts[-1]} crashed, and those before it")

    def find_flag_fault(self) -> LabError | None:
        """A campaign takes a mutator, and --first names one that there is."""
        if not self.mutator_words and self.task_context.task.mutator is None:
            return TaskUsageError([f"{self.task}: a campaign needs a mutator: give --mutator"])
        known = self.task_context.store.progress_path(self.first).exists()
        if self.first != NEXT and not known:
            text = f"no campaign of the task begins with attempt {self.first}"
            return TaskUsageError(
                [f"{self.task}: --first: {text}: leave --first out for a new one"]
            )
        return None

    def _show(self, done: list[AttemptRecord]) -> None:
        """Print how each attempt ended, once and to people only: on standard error."""
        for record in done[self._shown :]:
            text = f"attempt {record.attempt}: {record.status}, {record.reason}: {record.detail}"
            print(printable(text), file=sys.stderr, flush=True)
        self._shown = len(done)
