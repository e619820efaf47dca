"""Campaign: attempts at one task, one after the other, until goal or budget."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import luigi

from pipeline.base import File, utc_now
from pipeline.params import CountParameter
from pipeline.task import NEXT, Attempt, BadFlag, OfTask, crash, tell
from prompt_lab.errors import LabError
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.tasks.campaign import Course, Ended, end_of
from prompt_lab.tasks.record import Code, Record


class Campaign(OfTask):
    """Attempts at a task until budget or goal. Writes campaigns/<first attempt>.json."""

    iterations = CountParameter(
        "--iterations", least=1, default=0, description="attempts; default: the task's budget"
    )
    first = CountParameter(
        "--first", least=0, default=NEXT, description="the campaign to go on with; default: new"
    )
    _said = False

    def output(self) -> luigi.LocalTarget:
        """The campaign's record."""
        return File(str(self.site.store.campaign(self._first())))

    def complete(self) -> bool:
        """It is done once it has spoken: one that is over may be asked for again."""
        return self._said

    def run(self) -> Iterator[Any]:
        """One attempt at a time, each a task of its own; none is made twice."""
        self._refuse()
        store = self.site.store
        path = store.course(self._first())
        course = read_if_whole(path, Course) or Course(started=utc_now(), attempts=(self._first(),))
        write_record(path, course, durable=False)
        while True:
            yield self.clone(Attempt, number=course.attempts[-1])
            done = [read_record(store.record(number), Record) for number in course.attempts]
            seconds = (datetime.now(UTC) - datetime.fromisoformat(course.started)).total_seconds()
            ended = end_of(self.site.task, done, seconds, self.iterations)
            if ended is not None:
                break
            course = course.model_copy(update={"attempts": (*course.attempts, store.claim())})
            write_record(path, course, durable=False)
        self._tell(ended)

    def _refuse(self) -> None:
        """Say what keeps it from beginning, as one record. Raises LabError."""
        code = Code.BAD_TASK
        try:
            task = self.site.task
            code = Code.BAD_FLAG
            if not self.mutator_words and task.mutator is None:
                raise BadFlag([f"{self.task}: a campaign needs a mutator: give --mutator"])
        except LabError as error:
            tell(crash("", 0, code, str(error), utc_now()))
            raise

    def _tell(self, ended: Ended) -> None:
        write_record(self.site.store.campaign(self._first()), ended)
        self._said = True
        print(json.dumps(json.loads(ended.model_dump_json())), flush=True)

    def _first(self) -> int:
        if self.first == NEXT:
            self.first = self.site.store.claim()
        return self.first
