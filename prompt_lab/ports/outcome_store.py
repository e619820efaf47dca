"""Where the outcomes of prepared calls are kept."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from prompt_lab.outcomes import CallOutcome, OutcomeSummary
from prompt_lab.ports.trace_store import Added
from prompt_lab.traces import Window


class OutcomeStore(Protocol):
    """The outcome log: rows are added and filled in, never changed. Raises StoreError."""

    def add(self, rows: Iterable[CallOutcome]) -> Added:
        """Write rows. One whose trace is there already fills in what that one does not know.

        May be repeated: the same rows again change nothing.
        """

    def find(self, trace: str) -> CallOutcome | None:
        """One outcome."""

    def since(self, when: str, *, prompt_id: str = "") -> Iterator[CallOutcome]:
        """Every outcome from a time on ('' for all), by (when, trace), fetched in pages.

        `prompt_id`: only those of this prompt.
        """

    def summary(self, window: Window) -> list[OutcomeSummary]:
        """One row for each prompt id, task class, variant and arm, in this order."""

    def erase(self, *, unit: str = "", before: str = "") -> tuple[str, ...]:
        """Delete what one unit asked, or what is older than a time; the traces, sorted.

        Raises ValueError where neither is named.
        """
