"""When an answer equals gold, and outputs without what differs from run to run: ids and times."""

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from prompt_lab.config.lab import CompareConfig

_DEFAULT = CompareConfig()
_LOOSEST = CompareConfig(characters="compatible")
_NUMERAL = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")


def field_credit(
    gold: Mapping[str, object],
    answer: Mapping[str, object],
    compare: CompareConfig = _DEFAULT,
    fields: Mapping[str, CompareConfig] = MappingProxyType({}),
) -> dict[str, float]:
    """Field of the gold answer -> 1.0 where the answer has the same value, else 0.0.

    `fields` holds the rules of single fields; what they leave unset is as in `compare`.

    >>> field_credit({"vendor": "Nordwind AG", "amount": 12}, {"vendor": "nordwind  ag"})
    {'vendor': 1.0, 'amount': 0.0}
    """
    return {
        name: float(
            name in answer and values_equal(value, answer[name], _rules(compare, fields, name))
        )
        for name, value in gold.items()
    }


def values_equal(gold: object, answer: object, compare: CompareConfig = _DEFAULT) -> bool:
    """Equal by the rules of `compare`, in lists and objects at every depth.

    Numbers: within `absolute`, or within `relative` of the gold number. Texts: but for case,
    spaces and full-width forms. Of two types: the text of a number or a truth value equals it.

    >>> values_equal(0.014, 0.006), values_equal(1249, 1249.0000001), values_equal("18", 18.0)
    (False, True, True)
    >>> values_equal("STRASSE", "straße"), values_equal(1, True), values_equal("10\\u2075", "105")
    (True, False, False)
    """
    if compare.types == "convert":
        gold, answer = _converted(gold, answer), _converted(answer, gold)
    if isinstance(gold, bool) or isinstance(answer, bool):
        return gold is answer
    if isinstance(gold, int | float) and isinstance(answer, int | float):
        return _close(gold, answer, compare)
    if isinstance(gold, str) and isinstance(answer, str):
        return _text(gold, compare) == _text(answer, compare)
    if isinstance(gold, list) and isinstance(answer, list):
        pairs = zip(gold, answer, strict=False)
        return len(gold) == len(answer) and all(values_equal(*pair, compare) for pair in pairs)
    if isinstance(gold, dict) and isinstance(answer, dict):
        return gold.keys() == answer.keys() and all(
            values_equal(gold[key], answer[key], compare) for key in gold
        )
    return gold is None and answer is None


def normalize_text(text: str) -> str:
    """Case folded, in one Unicode form, runs of white space as one space.

    >>> normalize_text("  \\uff2eord\\twind ")
    'nord wind'
    """
    return _text(text, _LOOSEST)


def _rules(compare: CompareConfig, fields: Mapping[str, CompareConfig], name: str) -> CompareConfig:
    own = fields.get(name)
    if own is None:
        return compare
    return compare.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})


def _converted(value: object, other: object) -> object:
    """A text as the number or truth value that it spells, where the other side is one."""
    if not isinstance(value, str) or isinstance(other, str):
        return value
    plain = value.strip()
    if isinstance(other, bool):
        return {"true": True, "false": False}.get(plain.casefold(), value)
    if isinstance(other, int | float) and _NUMERAL.fullmatch(plain) and plain.isascii():
        number = float(plain)
        return number if math.isfinite(number) else value
    return value


def _close(gold: float, answer: float, compare: CompareConfig) -> bool:
    if gold == answer:
        return True
    try:
        return math.isclose(gold, answer, rel_tol=0.0, abs_tol=_tolerance(gold, compare))
    except OverflowError:  # an integer that no float can hold
        return False


def _tolerance(gold: float, compare: CompareConfig) -> float:
    return max(compare.absolute, compare.relative * abs(gold))


def _text(text: str, compare: CompareConfig) -> str:
    if compare.characters == "compatible":
        text = unicodedata.normalize("NFKC", text)
    elif not text.isascii():
        text = unicodedata.normalize("NFC", "".join(map(_narrow, text)))
    text = text.casefold() if compare.case == "ignore" else text
    return " ".join(text.split()) if compare.spaces == "collapse" else text


def _narrow(char: str) -> str:
    """A full- or half-width form as the character that it is a form of."""
    kind = unicodedata.decomposition(char).partition(" ")[0] if char > "\u2fff" else ""
    return unicodedata.normalize("NFKC", char) if kind in ("<wide>", "<narrow>") else char


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
