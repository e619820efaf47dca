"""Processes of one luigid take turns at a phase: a luigid that was restarted hands it out twice."""

import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import cache
from typing import Any

import luigi
from luigi.cmdline_parser import CmdlineParser

from prompt_lab.store.layout import Lab
from prompt_lab.store.work_locks import WorkLocks

ONLY = 0
"""A phase is one piece of work."""


def uses_luigid() -> bool:
    """Whether this command line, or where there is none luigi.cfg, works through a luigid."""
    return _uses_luigid(CmdlineParser.get_instance())


@cache
def _uses_luigid(_: CmdlineParser | None) -> bool:
    return not luigi.interface.core().local_scheduler


def in_turns(
    task: luigi.Task, work: Callable[[], Any], lab: Lab, name: str
) -> Generator[Any, Any, None]:
    """Do a task's work, holding the lock `name` from one yield to the next.

    It ends without any work once the task is complete, since another process may have finished it.
    """
    locks = WorkLocks(lab, name)
    steps: Any = None
    answer: Any = None
    while True:
        _report_wait(locks, task)
        with locks.hold(ONLY):
            if task.complete():
                return
            if steps is None:
                steps = work()
                if not isinstance(steps, Generator):
                    return
            try:
                asked = steps.send(answer)
            except StopIteration:
                return
        answer = yield asked


def _report_wait(locks: WorkLocks, task: luigi.Task) -> None:
    with locks.try_to_hold(ONLY) as free:
        if not free:
            with suppress(OSError):
                text = f"{task.get_task_family()}: another process is at work on it; waiting for it"
                print(text, file=sys.stderr, flush=True)
