"""Which code a figure comes from: a digest of the sources that measure, and of their data."""

import ast
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from inspect import getsource

ROOM = "prompt_lab.decide"


def sources(modules: Iterable[str]) -> dict[str, str]:
    """Module -> source, of these and of all that they import from this room, however deep.

    Read from the import statements, so that a module of which only a constant is used counts too.
    """
    waiting, texts = list(modules), dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name not in texts:
            texts[name] = getsource(import_module(name))
            waiting += [used for used in _imported(texts[name]) if _is_module(used)]
    return texts


def digest(texts: dict[str, str]) -> str:
    """Twelve hex digits that change with any name or text.

    >>> digest({"a": "1"}) == digest({"a": "2"})
    False
    """
    return sha256(repr(sorted(texts.items())).encode()).hexdigest()[:12]


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def _is_module(name: str) -> bool:
    try:
        return name.startswith(f"{ROOM}.") and find_spec(name) is not None
    except ModuleNotFoundError:  # a name within a module
        return False
