"""`python -m tests.pipeline.kill_at <task.yaml> <point>`: an engine that dies there, by SIGKILL."""

import os
import signal
import sys
from pathlib import Path

from adapters.sandbox.sync import Sync, Versions
from pipeline.base import utc_now
from pipeline.task_attempt import Attempt
from pipeline.task_site import Site
from prompt_lab.tasks.record import Record, Undo

PHASES = ("recover", "copy", "baseline", "mutate", "score", "decide", "sync")
STEPS = ("prepared", "applied", "recorded")


class DyingSync(Sync):
    """Dies after the step that it is told."""

    def _prepare(self, old: Versions, new: Versions, record: Record | Undo) -> None:
        super()._prepare(old, new, record)
        die_at("prepared")

    def _apply(self, *, forget: bool = True) -> None:
        super()._apply(forget=forget)
        die_at("applied")

    def _finish(self, record: Record | Undo) -> None:
        super()._finish(record)
        die_at("recorded")


class DyingSite(Site):
    """Dies when it comes to the phase that it is told."""

    def phase(self, name: str, attempt: int) -> None:
        """Say the phase, and perhaps die."""
        super().phase(name, attempt)
        die_at(name)

    @property
    def sync(self) -> Sync:
        """The way back, which may die on its way."""
        return DyingSync(self.root, self.store)


def die_at(point: str) -> None:
    """Die, where this is the point."""
    if sys.argv[2] == point:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    site = DyingSite.open(Path(sys.argv[1]))
    with site.alone(0):
        Attempt(site, site.store.claim(), utc_now()).run()
