"""Traces that another tool wrote."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

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


@runtime_checkable
class LineTraceReader(TraceReader, Protocol):
    """A format with one trace for each line: a file of any size is read in little memory."""

    def read_line(self, number: int, line: str, *, at: str) -> Trace | MalformedTrace:
        """The trace of one line that is not blank; `number` counts from 1. Never raises."""
