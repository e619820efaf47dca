"""What a person reads in the terminal: a LabError is one message, anything else keeps its trace."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from pipeline.interrupt import end_plainly, handle_interrupts
from prompt_lab.errors import LabError
from prompt_lab.report.terminal import printable

if TYPE_CHECKING:
    import typer

_reported: dict[int, set[str]] = {}
"""Process id -> the errors that it has reported to the user. A fork begins with none."""
_CALL = re.compile(r"\[args=.*, kwargs=.*?\](?=: )", re.DOTALL)
"""How luigi says what a task was made with, in the words of Python."""


def is_plain(error: BaseException | None) -> bool:
    """Whether an error is meant for the person at the keyboard."""
    return isinstance(error, LabError) or any(
        _is_luigis(error, module, name)
        for module, name in (
            ("luigi.parameter", "ParameterException"),
            ("luigi.task_register", "TaskClassException"),
            ("luigi.rpc", "RPCError"),
        )
    )


def _is_luigis(error: BaseException | None, module: str, name: str) -> bool:
    """Whether it is an error of luigi's, which not every command imports."""
    return module in sys.modules and isinstance(error, getattr(sys.modules[module], name))


def say_plainly(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The interpreter's last word on an error that ends it; sys.excepthook."""
    note_reported(str(error))
    if is_plain(error):
        print(f"\nStopped: {printable(_error_text(error))}\n", file=sys.stderr)
    else:
        end_plainly(kind, error, trace)


def has_reported() -> bool:
    """Whether this process has reported an error to the user."""
    return bool(_reported.get(os.getpid()))


def note_reported(text: str) -> bool:
    """Note that an error is reported; whether this is the first time."""
    known = _reported.setdefault(os.getpid(), set())
    is_new = text not in known
    known.add(text)
    return is_new


def report_idle(text: str) -> None:
    """Tell the user why a command ends without an error and without its result."""
    with suppress(OSError, ValueError):  # standard error may be closed by now
        print(f"\n{printable(text)}\n", file=sys.stderr, flush=True)


def report_errors_plainly() -> None:
    """Let this process, a command of ours, end on an error in one message."""
    sys.excepthook = say_plainly


def run_command(app: typer.Typer, name: str, args: Sequence[str] | None) -> None:
    """Run a typer command. An error ends the process in one message, Ctrl-C at once."""
    report_errors_plainly()
    handle_interrupts()
    try:
        app(args=args, prog_name=name)
    finally:
        report_errors_plainly()  # typer has installed an excepthook of its own


class PlainFormatter(logging.Formatter):
    """Used by luigi.cfg's logging file. Errors that we raise on purpose need no trace."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        error = record.exc_info[1] if record.exc_info else None
        known = _find_own_error(record)
        if known is not None:
            return f"\nStopped: {printable(_error_text(known))}\n"
        if error is None:
            record.exc_info = None  # luigi asks for a trace where there is none
        return super().format(record)


class TerminalHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever standard error is when the record comes, beside a progress bar."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; an error that reaches luigi by two ways is said once."""
        error = _find_own_error(record)
        if error is not None and not note_reported(str(error)):
            return
        if error is None and record.levelno >= logging.ERROR:
            note_reported(record.getMessage())
        self.stream = sys.stderr
        super().emit(record)


def _error_text(error: BaseException) -> str:
    if _is_luigis(error, "luigi.rpc", "RPCError"):
        return f"{error}: start it with `make scheduler`, or leave LUIGI_CONFIG_PATH out."
    if _is_luigis(error, "luigi.parameter", "ParameterException"):
        return _CALL.sub("", str(error))
    return str(error)


def _find_own_error(record: logging.LogRecord) -> BaseException | None:
    """The error of ours that a record reports; of one in requires() luigi gives only the trace."""
    if record.exc_info:
        return _unwrap_own_error(record.exc_info[1])
    return _unwrap_own_error(sys.exc_info()[1]) if record.levelno >= logging.WARNING else None


def _unwrap_own_error(error: BaseException | None) -> BaseException | None:
    while error is not None:
        if is_plain(error):
            return error
        error = error.__cause__ or error.__context__
    return None
