"""Traces that another tool wrote."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from prompt_lab.traces import Trace


class MalformedTrace(NamedTuple):
    """What could not be read as a trace, and why. `line` counts from 1."""

    line: int
    reason: str
    text: str


class TraceReader(Protocol):
    """One format of traces."""

    def read(self, text: str, *, at: str) -> Iterator[Trace | MalformedTrace]:
        """Every trace of a file's text; `at` is the time of those that say none, '' refuses them.

        Never raises for what the text holds.
        """
