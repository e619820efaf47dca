"""How far a batch of runs is: a bar in a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

REPORT_EVERY = 25
"""Runs between two reports to a scheduler: each report is a call to it."""
ReportProgress = Callable[[str, int], None]
"""Called with a line of text and the percentage that is done."""


class Progress:
    """Counts runs as they end; done, failed and left are shown with the time that is left."""

    def __init__(self, title: str, total: int, on_progress: ReportProgress | None = None) -> None:
        self.title, self.total = title, total
        self.done = self.failed = 0
        self._on_progress = on_progress
        self._bar = None
        if sys.stderr.isatty() and total:
            self._bar = _bar()
            self._row = self._bar.add_task(title, total=total, failed=0, left=total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        else:
            print(f"{self.title}: {self.total} to make", file=sys.stderr, flush=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def record_end(self, *, ok: bool) -> None:
        """One run ended."""
        self.done += ok
        self.failed += not ok
        count = self.done + self.failed
        if self._bar:
            self._bar.update(self._row, advance=1, failed=self.failed, left=self.total - count)
        elif count == self.total or count % max(1, self.total // 5) == 0:
            print(f"{self.title}: {self._format_line()}", file=sys.stderr, flush=True)
        if self._on_progress and (count % REPORT_EVERY == 0 or count == self.total):
            self._on_progress(self._format_line(), round(100 * count / self.total))

    def _format_line(self) -> str:
        left = self.total - self.done - self.failed
        return f"{self.done} done, {self.failed} failed, {left} left"


def _bar() -> Any:
    # rich is imported only where there is a terminal
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed, {task.fields[left]} left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
