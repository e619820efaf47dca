"""Text for a terminal: printed in its encoding, and without control characters."""

import sys


def say(text: str) -> None:
    """Print for a person, in whatever encoding the terminal has."""
    code = sys.stdout.encoding or "utf-8"
    print(printable(text).encode(code, "replace").decode(code))


def printable(text: str) -> str:
    """Text from a server or a file that cannot steer the terminal: control characters are escaped.

    >>> printable("a" + chr(27) + "b") == "a" + repr(chr(27))[1:-1] + "b"
    True
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )
