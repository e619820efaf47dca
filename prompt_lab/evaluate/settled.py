"""Outputs without what differs from run to run whatever was asked: ids, times and durations."""

import json
import re
from contextlib import suppress
from typing import Any

_ID = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{24,64}\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_DURATION = re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|sec|seconds|s)\b")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_KEYS = frozenset(
    {"duration", "elapsed", "latency", "seconds", "ms", "timestamp", "uuid", "started", "ended"}
)


def normalize_volatile_text(text: str) -> str:
    """The text with ids, times and durations replaced; of JSON, whatever such a key holds too.

    >>> settled("run 6f1c1c1e-0000-4000-8000-0123456789ab took 12.5 s, 2026-01-02T03:04:05Z")
    'run <id> took <duration>, <time>'
    >>> settled('{"levers": 3, "duration_seconds": 1.25}') == settled(
    ...     '{"levers": 3, "duration_seconds": 9}')
    True
    """
    with suppress(ValueError, RecursionError):
        text = json.dumps(_without(json.loads(text)), ensure_ascii=False, sort_keys=True)
    for shape, name in ((_TIME, "<time>"), (_ID, "<id>"), (_DURATION, "<duration>")):
        text = shape.sub(name, text)
    return text


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "<measured>" if _KEYS & {w.lower() for w in _WORD.findall(key)} else _without(item)
        for key, item in value.items()
    }
