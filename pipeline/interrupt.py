"""Ctrl-C ends a command in one line, from the first import on: this module imports little."""

import os
import signal
import sys
from types import TracebackType

INTERRUPTED = 130
"""The exit code that a shell expects after Ctrl-C."""


def end_plainly(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The interpreter's last word on an error that ends it; sys.excepthook."""
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would end it by the signal
        print("\nStopped by Ctrl-C. The same command goes on from here.", file=sys.stderr)
        sys.stderr.flush()
        # The interpreter would wait for the calls that are under way, which may take minutes.
        os._exit(INTERRUPTED)
    sys.__excepthook__(kind, error, trace)
