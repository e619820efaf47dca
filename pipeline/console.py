"""What a person reads in the terminal: a LabError is one message, anything else keeps its trace."""

import errno
import logging
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from luigi.configuration import add_config_path, get_config
from luigi.parameter import ParameterException
from luigi.rpc import RPCError
from luigi.task_register import TaskClassException

from pipeline.interrupt import end_plainly
from prompt_lab.errors import LabError, OutputLost, StoreError

CHECKOUT = Path(__file__).resolve().parents[1]
_lent: list[Path] = []
_reported: list[str] = []
"""What this process has told the user about an error that ended its work."""
PLAIN = (LabError, ParameterException, TaskClassException, RPCError)
"""What is meant for the person at the keyboard."""
_CALL = re.compile(r"\[args=.*, kwargs=.*?\](?=: )", re.DOTALL)
"""How luigi says what a task was made with, in the words of Python."""


def say_plainly(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The interpreter's last word on an error that ends it; sys.excepthook."""
    _reported.append(str(error))
    if isinstance(error, PLAIN):
        print(f"\nStopped: {printable(_error_text(error))}\n", file=sys.stderr)
    else:
        end_plainly(kind, error, trace)


def has_reported() -> bool:
    """Whether this process has told the user about an error."""
    return bool(_reported)


def report_idle(text: str) -> None:
    """Tell the user why a command ends without an error and without its result."""
    with suppress(OSError, ValueError):  # standard error may be closed by now
        print(f"\n{printable(text)}\n", file=sys.stderr, flush=True)


def find_settings() -> None:
    """Let luigi read the checkout's luigi.cfg where this folder has none.

    Its own defaults ask a luigid that is not there, for minutes, and end failed tasks with 0.
    """
    if not get_config().has_option("retcode", "task_failed"):
        _lent.append(CHECKOUT)
        add_config_path(str(CHECKOUT / "luigi.cfg"))
        if named := os.environ.get("LUIGI_CONFIG_PATH"):
            add_config_path(named)  # what it says goes before what is lent
    logging_file = get_config().get("core", "logging_conf_file", "")
    if logging_file and not Path(logging_file).exists():
        get_config().set("core", "logging_conf_file", str(CHECKOUT / logging_file))


def check_settings() -> None:
    """Raises StoreError where settings are lent: a lab is where its luigi.cfg is, a task is not."""
    if _lent:
        raise StoreError(
            f"{Path.cwd()}: there is no luigi.cfg of Prompt Lab here. Run the command in the "
            "checkout, or set LUIGI_CONFIG_PATH to its luigi.cfg."
        )


def say(text: str) -> None:
    """Print text for a user, in the encoding of the terminal. Raises OutputLost."""
    write_output(printable(text))


def write_output(text: str) -> None:
    """Print a text and flush it. Raises OutputLost where standard output does not take it.

    Without the flush a process of luigi's `--workers` loses the text without an error.
    """
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        code = sys.stdout.encoding or "utf-8"
        print(text.encode(code, "replace").decode(code), flush=True)
    except OSError as error:
        _discard_output()
        fault = "its reader has ended" if isinstance(error, BrokenPipeError) else error.strerror
        raise OutputLost(
            f"Standard output cannot be written: {fault}. Give the command again with an output "
            "that takes all of it."
        ) from error


def _discard_output() -> None:
    """Send what is left in the buffer nowhere: the interpreter's own flush would fail again."""
    if sys.stdout is None:
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()
    sys.stdout = None


def printable(text: str) -> str:
    """What a server or a file says cannot steer the terminal: control characters become escapes.

    >>> printable("a" + chr(27) + "b") == "a" + repr(chr(27))[1:-1] + "b"
    True
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


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
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; an error that reaches luigi by two ways is said once."""
        error = _find_own_error(record)
        if error is not None:
            if str(error) in self._said:
                return
            self._said.add(str(error))
        if record.levelno >= logging.ERROR or error is not None:
            _reported.append(record.getMessage())
        self.stream = sys.stderr
        super().emit(record)


def _error_text(error: BaseException) -> str:
    if isinstance(error, RPCError):
        return f"{error}: start it with `make scheduler`, or leave LUIGI_CONFIG_PATH out."
    if isinstance(error, ParameterException):
        return _CALL.sub("", str(error))
    return str(error)


def _find_own_error(record: logging.LogRecord) -> BaseException | None:
    """The error of ours that a record tells of; of one in requires() luigi gives only the trace."""
    if record.exc_info:
        return _unwrap_own_error(record.exc_info[1])
    return _unwrap_own_error(sys.exc_info()[1]) if record.levelno >= logging.WARNING else None


def _unwrap_own_error(error: BaseException | None) -> BaseException | None:
    while error is not None:
        if isinstance(error, PLAIN):
            return error
        error = error.__cause__ or error.__context__
    return None
