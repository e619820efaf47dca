"""What a person reads in the terminal: a LabError is one message, anything else keeps its trace."""

import logging
import sys

from prompt_lab.errors import LabError


class PlainFormatter(logging.Formatter):
    """Used by luigi.cfg's logging file. Errors that we raise on purpose need no trace."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        error = record.exc_info[1] if record.exc_info else None
        known = _lab_error(error)
        if known is not None:
            return f"\nStopped: {known}\n"
        if error is None:
            record.exc_info = None  # luigi asks for a trace where there is none
        return super().format(record)


class TerminalHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever standard error is when the record comes, beside a progress bar."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; an error that reaches luigi by two ways is said once."""
        error = _lab_error(record.exc_info[1]) if record.exc_info else None
        if error is not None:
            if str(error) in self._said:
                return
            self._said.add(str(error))
        self.stream = sys.stderr
        super().emit(record)


def _lab_error(error: BaseException | None) -> LabError | None:
    while error is not None:
        if isinstance(error, LabError):
            return error
        error = error.__cause__ or error.__context__
    return None
