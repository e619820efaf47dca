"""Tests that were in a file and are no longer: named as the common test frameworks name them."""

import re

_NAMES = re.compile(
    r"""^\s*(?:async\s+)?def\s+(test\w*)          # pytest, unittest
    |^\s*class\s+(Test\w*)
    |^\s*func\s+(?:\([^)]*\)\s*)?(Test\w+)        # Go
    |^\s*(?:it|test)(?:\.\w+)?\(\s*["'`](.+?)["'`]  # Jest, Vitest, Mocha
    |\#\[(?:\w+::)?test\][^{]*?fn\s+(\w+)         # Rust
    """,
    re.MULTILINE | re.VERBOSE,
)


def lost_tests(before: str, after: str) -> tuple[str, ...]:
    r"""Names of tests in `before` that `after` lacks; a commented-out test is lost.

    >>> lost_tests("def test_a():\n  x\ndef test_b():\n  y", "def test_b():\n  y\n# def test_a():")
    ('test_a',)
    """
    kept = _names(after)
    return tuple(name for name in dict.fromkeys(_names(before)) if name not in kept)


def _names(text: str) -> list[str]:
    return [next(filter(None, found.groups())) for found in _NAMES.finditer(text)]
