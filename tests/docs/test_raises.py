"""A docstring that says 'Raises X' names a class that its code base or Python has."""

import ast
import builtins
import re
from collections.abc import Iterator

from tests.tools.names import PACKAGES, ROOT

_RAISES = re.compile(r"[Rr]aises ((?:[A-Z]\w+(?:, | or | and )?)+)")
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def find_unknown(sources: dict[str, str]) -> Iterator[str]:
    """A line for each exception that a docstring names and no module defines or imports."""
    known = set(dir(builtins))
    named: list[tuple[str, str]] = []
    for path, text in sources.items():
        for node in _statements(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                known |= {alias.asname or alias.name for alias in node.names}
            if isinstance(node, _DOCUMENTED):
                line = f"{path}:{getattr(node, 'lineno', 1)}"
                for names in _RAISES.findall(ast.get_docstring(node, clean=False) or ""):
                    named += [(line, name) for name in re.findall(r"[A-Z]\w+", names)]
    yield from sorted({f"{line} {name}" for line, name in named if name not in known})


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The module and its statements at any depth. Expressions, most of a tree, hold none."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, name, ())
            waiting += below if isinstance(below, list) else ()


def test_docstrings_name_exceptions_that_exist() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert list(find_unknown({str(p.relative_to(ROOT)): p.read_text("utf-8") for p in files})) == []


def test_an_exception_that_was_renamed_is_found() -> None:
    text = 'def send() -> None:\n    """Send it. Raises Gone or OSError."""\n'
    assert list(find_unknown({"a.py": text})) == ["a.py:1 Gone"]


def test_a_docstring_within_other_statements_is_read() -> None:
    text = """
try:
    import os
except ImportError:
    class A:
        def b(self):
            if os:
                def c():
                    'Raises Gone,\\n    Missing or A.'
"""
    assert list(find_unknown({"a.py": text})) == ["a.py:8 Gone"]
    assert list(find_unknown({"a.py": text, "b.py": "from x import y as Gone"})) == []
