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
    trees = {path: ast.parse(text) for path, text in sources.items()}
    known = set(dir(builtins))
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                known |= {alias.asname or alias.name for alias in node.names}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, _DOCUMENTED):
                for names in _RAISES.findall(ast.get_docstring(node) or ""):
                    unknown = set(re.findall(r"[A-Z]\w+", names)) - known
                    yield from (f"{path}:{getattr(node, 'lineno', 1)} {name}" for name in unknown)


def test_docstrings_name_exceptions_that_exist() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert list(find_unknown({str(p.relative_to(ROOT)): p.read_text("utf-8") for p in files})) == []


def test_an_exception_that_was_renamed_is_found() -> None:
    text = 'def send() -> None:\n    """Send it. Raises Gone or OSError."""\n'
    assert list(find_unknown({"a.py": text})) == ["a.py:1 Gone"]
