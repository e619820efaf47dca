"""Read what another tool left: whatever is damaged becomes a line in `faults`, never an error."""

import json
import math
from pathlib import Path
from typing import Any

Faults = list[str]
MOST = 1e15
"""Larger numbers are no tokens, dollars or seconds, and no count is made of them."""


def children(folder: Path) -> list[Path]:
    """What a folder holds, by name; nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def is_folder(path: Path) -> bool:
    """Whether it is a folder; a path that the system refuses is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read_text(path: Path, faults: Faults, *, name: str = "") -> str | None:
    """A file as text, bytes that are no UTF-8 replaced; None where it cannot be read."""
    name = name or path.name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        faults.append(f"no {name}")
    except (OSError, ValueError):
        faults.append(f"{name} cannot be read")
    else:
        text = data.decode("utf-8", "replace")
        if "\ufffd" in text and "\ufffd".encode() not in data:
            faults.append(f"{name} is not UTF-8")
        return text
    return None


def read_object(path: Path, faults: Faults, *, name: str = "") -> dict[str, Any]:
    """A JSON object; {} where there is none."""
    text = read_text(path, faults, name=name)
    if text is None:
        return {}
    value = parse_json(text)
    if isinstance(value, dict):
        return value
    faults.append(f"{name or path.name} is no JSON object")
    return {}


def read_objects(path: Path, faults: Faults, *, name: str = "") -> list[dict[str, Any]]:
    """The objects of a JSONL file, in order; other lines are counted in one fault."""
    name = name or path.name
    text = read_text(path, faults, name=name)
    if text is None:
        return []
    lines = [line for line in text.split("\n") if line.strip()]
    rows = [row for line in lines if isinstance(row := parse_json(line), dict)]
    broken = len(lines) - len(rows)
    if broken:
        faults.append(f"{name} has {broken} line{'s' if broken > 1 else ''} that hold no object")
    elif not rows:
        faults.append(f"{name} is empty")
    return rows


def parse_json(text: str) -> Any:
    """What a JSON text says; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def clean(value: object) -> str:
    r"""Any value as text that can be written down as UTF-8.

    >>> clean(None), clean("a\ud800"), clean(5)
    ('', 'a?', '5')
    """
    text = "" if value is None else value if isinstance(value, str) else repr(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def number(value: object) -> float:
    """A finite amount of zero or more; 0.0 for whatever else.

    >>> number(2), number(True), number(float("nan")), number(10**400), number(-1)
    (2.0, 0.0, 0.0, 0.0, 0.0)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value <= MOST and math.isfinite(value) else 0.0


def count(value: object) -> int:
    """The same as a whole number."""
    return int(number(value))
