"""`python -m tests.pipeline.kill_at <task.yaml> <point> [undo]`: an engine that is killed there."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.tasks.task_engine import Attempt, RunTask
from pipeline.wiring import task_tools
from prompt_lab.store.tasks import TaskStore
from prompt_lab.task_engine.record import AttemptRecord, Undo
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy import apply
from prompt_lab.task_engine.task_copy.sync import Sync, Versions

PHASES = ("recover", "copy", "baseline", "mutate", "score", "decide", "sync")
STEPS = ("prepared", "staged", "placed", "applied", "appended", "recorded")
"""Of a keep and of an undo, in their order. At 'placed' one artifact of two is new."""
BEGUN = ("placed", "applied", "appended", "recorded")
"""Steps after which it is no more forgotten, but finished."""


class DyingSync(Sync):
    """Dies after the step that it is told."""

    def _prepare(self, old: Versions, new: Versions, record: AttemptRecord | Undo) -> None:
        super()._prepare(old, new, record)
        die_at("prepared")

    def _apply(self, *, forget: bool = True) -> None:
        if POINT in ("staged", "placed"):
            _begin(self._store.pending)
        super()._apply(forget=forget)
        die_at("applied")

    def _finish(self, record: AttemptRecord | Undo) -> None:
        super()._finish(record)
        die_at("recorded")


class DyingStore(TaskStore):
    """Dies when a line was added to results.jsonl."""

    def append(self, row: Mapping[str, Any]) -> None:
        """Add the row, and perhaps die."""
        super().append(row)
        die_at("appended")


class DyingSite(TaskContext):
    """Dies when it comes to the phase that it is told."""

    def phase(self, name: str, attempt: int) -> None:
        """Say the phase, and perhaps die."""
        super().phase(name, attempt)
        die_at(name)

    @cached_property
    def store(self) -> TaskStore:
        """The store, which may die."""
        return DyingStore(self.root, self.task.id)

    @property
    def sync(self) -> Sync:
        """The way back, which may die on its way."""
        return DyingSync(self.root, self.store)


def die_at(point: str) -> None:
    """Die, where this is the point."""
    if point == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


def _begin(pending: Path) -> None:
    """What the process that writes the artifacts does until it is killed itself."""
    told = json.loads((pending / "manifest.json").read_text("utf-8"))
    root = os.open(told["root"], os.O_RDONLY)
    staged = [apply._stage(root, pending, one) for one in told["files"]]
    die_at("staged")
    apply._place(*staged[0])
    die_at("placed")


def _main(file: str, undo: bool) -> None:
    site = DyingSite.open(Path(file), task_tools())
    given: dict[str, Any] = {"task": file, "undo": True} if undo else {"task": file}
    if not undo:
        given["number"] = site.store.claim()
    task = RunTask(**given) if undo else Attempt(**given)
    task._opened = site
    task.run()


if __name__ == "__main__":
    POINT = sys.argv[2]
    _main(sys.argv[1], sys.argv[3:] == ["undo"])
