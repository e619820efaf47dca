"""Text for a terminal: printed in its encoding, and without control characters."""

import errno
import os
import sys
from contextlib import suppress

from prompt_lab.errors import OutputLost


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
            f"Standard output cannot be written: {fault}. Run the command again with an output "
            "that accepts all of it."
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
    """Text from a server or a file that cannot steer the terminal: control characters are escaped.

    >>> printable("a" + chr(27) + "b") == "a" + repr(chr(27))[1:-1] + "b"
    True
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )
