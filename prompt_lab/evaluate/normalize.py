"""Outputs without what differs from run to run whatever was asked: ids, times and durations."""

import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

EXACT = 1e13


def field_credit(gold: Mapping[str, object], answer: Mapping[str, object]) -> dict[str, float]:
    """Field of the gold answer -> 1.0 where the answer has the same value, else 0.0.

    >>> field_credit({"vendor": "Nordwind AG", "amount": 12}, {"vendor": "nordwind  ag"})
    {'vendor': 1.0, 'amount': 0.0}
    """
    return {
        name: float(name in answer and values_equal(value, answer[name]))
        for name, value in gold.items()
    }


def values_equal(gold: object, answer: object) -> bool:
    """Equal as a reader would say: numbers to the cent, texts but for case, width and spaces.

    >>> values_equal(1249, 1249.004), values_equal("STRASSE", "straße")
    (True, True)
    >>> values_equal(1, True), values_equal(1, "1")
    (False, False)
    """
    if isinstance(gold, bool) or isinstance(answer, bool):
        return gold is answer
    if isinstance(gold, int | float) and isinstance(answer, int | float):
        return _equal_to_the_cent(gold, answer)
    if isinstance(gold, str) and isinstance(answer, str):
        return normalize_text(gold) == normalize_text(answer)
    if isinstance(gold, list) and isinstance(answer, list):
        return len(gold) == len(answer) and all(map(values_equal, gold, answer))
    if isinstance(gold, dict) and isinstance(answer, dict):
        return gold.keys() == answer.keys() and all(values_equal(gold[k], answer[k]) for k in gold)
    return gold is None and answer is None


def normalize_text(text: str) -> str:
    """Case folded, in one Unicode form, runs of white space as one space.

    >>> normalize_text("  \\uff2eord\\twind ")
    'nord wind'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _equal_to_the_cent(left: float, right: float) -> bool:
    """Beyond EXACT a float has no cents left (and a product may have no float)."""
    if abs(left) >= EXACT or abs(right) >= EXACT:
        return left == right
    return round(left * 100) == round(right * 100)


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

    >>> run = "run 6f1c1c1e-0000-4000-8000-0123456789ab"
    >>> normalize_volatile_text(f"{run} took 12.5 s, 2026-01-02T03:04:05Z")
    'run <id> took <duration>, <time>'
    >>> one, two = ('{"levers": 3, "duration_seconds": %s}' % n for n in (1.25, 9))
    >>> normalize_volatile_text(one) == normalize_volatile_text(two)
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
