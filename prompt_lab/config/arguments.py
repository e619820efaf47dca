"""Arguments of a class as a profile holds them: "${VAR}" stands for a variable, keys are hidden."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRET = re.compile(
    r"(^|_|-)(api_?key|key|token|secret|password|authorization|credentials?|headers)$",
    re.IGNORECASE,
)


def variable(value: object) -> str:
    """The name in a text that is "${NAME}" as a whole, else ''.

    >>> variable("${KEY}"), variable("Bearer ${KEY}")
    ('KEY', '')
    """
    found = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else ""


def masked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every literal text under the name of a key hidden from records and prints.

    >>> str(masked({"api_key": "sk-1", "max_tokens": 5})["api_key"])
    '**********'
    """
    return {name: _masked(value, secret=is_secret(name)) for name, value in arguments.items()}


def resolved(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What the class is given. A variable that is not set stays as it is written."""

    def reveal(value: object) -> object:
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return environ.get(variable(value), value)

    return {name: _mapped(value, reveal) for name, value in arguments.items()}


def unset(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Variables that are named and not set, or empty."""
    named = {variable(value) for _, value in named_leaves("", arguments)} - {""}
    return sorted(name for name in named if not environ.get(name))


def secrets_in(value: object, environ: Mapping[str, str]) -> set[str]:
    """Every key that is part of a value, written out or by a variable."""
    found = set()
    for name, leaf in named_leaves("", value):
        if isinstance(leaf, SecretStr):
            found.add(leaf.get_secret_value())
        elif is_secret(name) and variable(leaf):
            found.add(environ.get(variable(leaf), ""))
    return found - {""}


def is_secret(name: str) -> bool:
    """Whether what stands under this name is a key.

    >>> is_secret("api_key"), is_secret("max_tokens")
    (True, False)
    """
    return _SECRET.search(name) is not None


def _masked(value: object, *, secret: bool) -> object:
    if isinstance(value, dict):
        return {k: _masked(v, secret=secret or is_secret(str(k))) for k, v in value.items()}
    if isinstance(value, list):
        return [_masked(item, secret=secret) for item in value]
    return SecretStr(value) if secret and isinstance(value, str) and not variable(value) else value


def _mapped(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, dict):
        return {name: _mapped(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return change(value)


def named_leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    """(name of the closest key that a secret is known by, value) of all that is no container."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from named_leaves(name if is_secret(name) else str(key), item)
    elif isinstance(value, list):
        for item in value:
            yield from named_leaves(name, item)
    else:
        yield name, value
