"""Ctrl-C ends a command in one line, from the first import on: this module imports little."""

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code that a shell expects after Ctrl-C."""
_said = {"text": "\nStopped by Ctrl-C. The same command goes on from here.\n"}


def handle_interrupts() -> None:
    """Let the first Ctrl-C raise KeyboardInterrupt, and the second one end the process at once.

    A second KeyboardInterrupt in the middle of the clean-up would end in a trace. Where the process
    was started with interrupts ignored (nohup), that stays.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _raise_once)


def _raise_once(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, _end_at_once)
    raise KeyboardInterrupt


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os.write(2, _said["text"].encode())
    os._exit(INTERRUPTED)


def end_plainly(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The interpreter's last word on an error that ends it; sys.excepthook."""
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would end it by the signal
        print(_said["text"], end="", file=sys.stderr)
        sys.stderr.flush()
        # The interpreter would wait for the calls that are under way, which may take minutes.
        os._exit(INTERRUPTED)
    sys.__excepthook__(kind, error, trace)


def stop_command(reason: str) -> None:
    """End this command as Ctrl-C would, from any thread, and say why."""
    _said["text"] = f"\n{reason}\n"
    os.kill(os.getpid(), signal.SIGINT)
