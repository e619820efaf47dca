"""Commands whose result is the text that they print: it is printed each time they are given."""

import os
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import luigi
from luigi.cmdline_parser import CmdlineParser

from pipeline.tasks.base import LabTask, Phase
from prompt_lab.errors import LabError
from prompt_lab.report.terminal import say

T = TypeVar("T", bound=luigi.Task)


class PrintingTask(LabTask):
    """A task without a file that proves it done: it is complete once it has printed its result.

    A subclass that has both (a dry run, and work that writes a file) overrides complete().
    """

    _has_printed = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.one_process_only:
            # A luigid gives a task to one of several processes, and for some seconds after its
            # end to none: the others would print nothing.
            self.task_id = f"{self.task_id}_{os.getpid()}_{secrets.token_hex(4)}"

    @property
    def one_process_only(self) -> bool:
        """Whether of several processes at a luigid one may run the task, since it changes the lab.

        Otherwise each process that is given the command runs it.
        """
        return False

    def reset_state(self) -> None:
        """Forget that an earlier build in this process has printed."""
        super().reset_state()
        self._has_printed = False

    def complete(self) -> bool:
        """Whether the result has been printed in this build."""
        return self._has_printed

    def print_result(self, text: str) -> None:
        """Print the result, which makes the task complete. Raises OutputLost."""
        say(text)
        self._has_printed = True


def prints_when_complete(kind: type[T]) -> Callable[[Callable[[T], str]], Callable[[T], str]]:
    """Print the text that the decorated function returns where luigi finds a task complete.

    Such a task is not run, but a user who gives the command again still wants to read its result.
    An empty text prints nothing.
    """

    def register(render: Callable[[T], str]) -> Callable[[T], str]:
        @kind.event_handler(luigi.Event.DEPENDENCY_PRESENT)
        def print_again(task: T) -> None:
            try:
                if text := render(task):
                    say(text)
            except LabError:
                # luigi logs an exception of a handler and goes on. It reads this attribute next:
                # the command then ends with the exit code of a task that was not run.
                task.disabled = True
                raise

        return render

    return register


@Phase.event_handler(luigi.Event.SUCCESS)
def _report_written(task: Phase) -> None:
    if _is_asked_for(task):
        say(f"{type(task).__name__} of iteration {task.number}: wrote {task.output().path}")


@prints_when_complete(Phase)
def _report_present(task: Phase) -> str:
    if not _is_asked_for(task):
        return ""
    return f"{type(task).__name__} of iteration {task.number} was done: {task.output().path}"


def _is_asked_for(task: Phase) -> bool:
    """Whether the command line names this task, and its file is the result."""
    parser = CmdlineParser.get_instance()
    if parser is None or isinstance(task, PrintingTask):
        return False
    # Building the named task reads the lab: only for a task of its class.
    named = parser.known_args.root_task == task.get_task_family()
    return named and parser.get_task_obj() is task
