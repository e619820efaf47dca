"""How far a batch of runs is: a bar in a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from prompt_lab.report.words import duration

LINE_EVERY_SECONDS = 60.0
"""Longest time without a line where there is no terminal, as long as runs end."""
REPORT_EVERY = 25
"""Runs between two reports to a scheduler: each report is a call to it."""
ReportProgress = Callable[[str, int], None]
"""Called with a line of text and the percentage that is done."""


class Progress:
    """Counts runs as they end; done, failed and left are shown with the time that is left."""

    def __init__(self, title: str, total: int, on_progress: ReportProgress | None = None) -> None:
        self.title, self.total = title, total
        self.done = self.failed = self.untried = 0
        self._on_progress = on_progress
        self._bar = None
        self._started = self._last_line = time.monotonic()
        if sys.stderr.isatty() and total:
            self._bar = _bar()
            self._row = self._bar.add_task(
                title, total=total, failed=self._failed_text(), left=total
            )

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

    def record_end(self, *, ok: bool, tried: bool = True) -> None:
        """One run ended; with `tried` False it was given up before any call of it."""
        self.done += ok
        self.failed += tried and not ok
        self.untried += not tried
        count = self.done + self.failed + self.untried
        if self._bar:
            left = self.total - count
            self._bar.update(self._row, advance=1, failed=self._failed_text(), left=left)
        elif self._is_due(count):
            self._last_line = time.monotonic()
            print(f"{self.title}: {self._format_line()}", file=sys.stderr, flush=True)
        if self._on_progress and (count % REPORT_EVERY == 0 or count == self.total):
            self._on_progress(self._format_line(), round(100 * count / self.total))

    def _is_due(self, count: int) -> bool:
        long_ago = time.monotonic() - self._last_line > LINE_EVERY_SECONDS
        return long_ago or count == self.total or count % max(1, self.total // 5) == 0

    def _format_line(self) -> str:
        count = self.done + self.failed + self.untried
        left = self.total - count
        line = f"{self.done} done, {self._failed_text()}, {left} left"
        if not left:
            return line
        return f"{line}, about {time_left(count, left, time.monotonic() - self._started)}"

    def _failed_text(self) -> str:
        untried = f", {self.untried} not tried" if self.untried else ""
        return f"{self.failed} failed{untried}"


def time_left(ended: int, left: int, seconds: float) -> str:
    """The time that `left` runs take, if they take as long as those that ended in `seconds`.

    >>> time_left(10, 30, 61.0), time_left(1, 1, 0.2)
    ('3 min 3 s', '1 s')
    """
    return duration(max(1, round(seconds * left / ended))).replace(".0 s", " s")


def _bar() -> Any:
    # rich is imported only where there is a terminal
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}, {task.fields[left]} left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
