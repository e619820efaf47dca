"""Score an answer by the checks of a step's config. The rules are in docs/scoring.md."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from prompt_lab.config.checks import MEASURED_KINDS, WEIGHTED_MEAN, CheckConfig
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.evaluate.answers import parse_answer
from prompt_lab.evaluate.normalize import normalize_text
from prompt_lab.evaluate.schema import first_fault
from prompt_lab.evaluate.text_overlap import check_installed, chrf, rouge_l
from prompt_lab.records import RunError

Text = dict[str, Any] | str
MOST_CHARACTERS = 100_000
"""Of an answer that a pattern is searched in."""
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")
_AROUND = "\"'`“”‘’«»*_.,;:!? "
"""What stands around an answer without being part of it."""


def score_checks(
    checks: Sequence[CheckConfig], gold: Text | None, answer: Text
) -> dict[str, float]:
    """Part -> credit in [0, 1] of each check of the answer, and `score`, their weighted mean.

    A missing answer (empty) has 0 in every part. Raises StoreError where a check needs a gold
    that the plan lacks or that it cannot read, ConfigError where a library is missing.

    >>> checks = [CheckConfig(kind="normalized", weight=3), CheckConfig(kind="number")]
    >>> score_checks(checks, "12", "It is 12.")
    {'normalized': 0.0, 'number': 1.0, 'score': 0.25}
    """
    scored = [check for check in checks if check.kind not in MEASURED_KINDS]
    parts = {check.part: _credit(check, gold, answer) for check in scored}
    return add_mean(scored, parts)


def add_measured(
    checks: Sequence[CheckConfig], parts: Mapping[str, float], *, seconds: float, usd: float
) -> dict[str, float]:
    """The parts with those of latency (seconds) and cost (US dollars) of the run, in a new mean.

    Within its limit a run has full credit, beyond it limit / value. A run without an answer has
    none. The parts of a step without such checks are returned unchanged.
    """
    measured = [check for check in checks if check.kind in MEASURED_KINDS]
    if not measured or not parts:
        return dict(parts)
    found = dict(parts)
    for check in measured:
        value, limit = (seconds, check.seconds) if check.kind == "latency" else (usd, check.usd)
        found[check.part] = 1.0 if value <= limit else limit / value
    return add_mean(checks, found)


def add_mean(checks: Sequence[CheckConfig], parts: Mapping[str, float]) -> dict[str, float]:
    """The parts and their weighted mean; 0 where no part has any weight."""
    total = sum(check.weight for check in checks)
    held = math.fsum(check.weight * parts[check.part] for check in checks)
    own = {name: value for name, value in parts.items() if name != WEIGHTED_MEAN}
    return {**own, WEIGHTED_MEAN: min(1.0, held / total) if total else 0.0}


def _credit(check: CheckConfig, gold: Text | None, answer: Text) -> float:
    wanted: Any = None
    if check.kind not in ("regex", "json_schema"):
        wanted = check.value if check.value is not None else _field(check, gold, "gold answer")
        if wanted is None or not _as_text(wanted).strip():
            raise StoreError(
                f"the check {check.part!r} compares with the right answer, and the plan has none. "
                "Add it, or give the check a 'value'."
            )
    if check.kind == "number" and _last_number(_as_text(wanted)) is None:
        raise StoreError(
            f"the check {check.part!r} compares numbers, and the right answer "
            f"{_as_text(wanted)[:80]!r} holds none. Correct it, or use another kind of check."
        )
    try:
        given = _field(check, answer, "answer")
    except StoreError:
        return 0.0
    if not answer or given is None:
        return 0.0
    return _KINDS[check.kind](check, wanted, given)


def _field(check: CheckConfig, value: Text | None, what: str) -> Any:
    """The field that a check names, or the value itself. Raises StoreError where it is missing."""
    if not check.field or value is None:
        return value
    if not isinstance(value, dict) or check.field not in value:
        raise StoreError(f"the {what} has no field {check.field!r}, which {check.part!r} compares")
    return value[check.field]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def strip_answer(text: str) -> str:
    """The text without case, repeated spaces, and quotes and punctuation around it.

    >>> strip_answer(' "Billing  question". ')
    'billing question'
    """
    return normalize_text(text).strip(_AROUND)


def _exact(_: CheckConfig, gold: Any, answer: Any) -> float:
    return float(_as_text(gold).strip() == _as_text(answer).strip())


def _normalized(_: CheckConfig, gold: Any, answer: Any) -> float:
    return float(strip_answer(_as_text(gold)) == strip_answer(_as_text(answer)))


def _contains(_: CheckConfig, gold: Any, answer: Any) -> float:
    wanted = strip_answer(_as_text(gold))
    pattern = rf"(?<!\w){re.escape(wanted)}(?!\w)"
    return float(bool(wanted and re.search(pattern, normalize_text(_as_text(answer)))))


def _regex(check: CheckConfig, _: Any, answer: Any) -> float:
    return float(bool(re.search(check.pattern, _as_text(answer)[:MOST_CHARACTERS])))


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    value = float(found[-1].replace(",", "")) if found else math.nan
    return value if math.isfinite(value) else None


def _number(check: CheckConfig, gold: Any, answer: Any) -> float:
    wanted, given = _last_number(_as_text(gold)), _last_number(_as_text(answer))
    if wanted is None or given is None:
        return 0.0
    return float(abs(wanted - given) <= max(check.absolute, check.relative * abs(wanted)))


def _json_schema(check: CheckConfig, _: Any, answer: Any) -> float:
    value = parse_answer(answer, None) if isinstance(answer, str) else answer
    return float(not isinstance(value, RunError) and not first_fault(value, check.json_schema))


def _set_f1(check: CheckConfig, gold: Any, answer: Any) -> float:
    wanted, given = _items(check, gold), _items(check, answer)
    if not wanted or not given:
        return float(wanted == given)
    return 2 * len(wanted & given) / (len(wanted) + len(given))


def _items(check: CheckConfig, value: Any) -> set[str]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, list):
        texts = [_as_text(item) for item in value]
    else:
        text = _as_text(value)
        texts = [one for line in text.splitlines() for one in line.split(check.separator)]
    return {item for text in texts if (item := strip_answer(text.strip().lstrip("-*•")))}


def _rouge_l(_: CheckConfig, gold: Any, answer: Any) -> float:
    return rouge_l(_as_text(gold), _as_text(answer))


def _chrf(_: CheckConfig, gold: Any, answer: Any) -> float:
    return chrf(_as_text(gold), _as_text(answer))


_KINDS: dict[str, Callable[[CheckConfig, Any, Any], float]] = {
    "exact": _exact,
    "normalized": _normalized,
    "contains": _contains,
    "regex": _regex,
    "number": _number,
    "json_schema": _json_schema,
    "set_f1": _set_f1,
    "rouge_l": _rouge_l,
    "chrf": _chrf,
}


def find_missing_library(checks: Sequence[CheckConfig]) -> str:
    """The message for a check whose library is not installed; '' where all are there."""
    if not any(check.kind in ("rouge_l", "chrf") for check in checks):
        return ""
    try:
        check_installed()
    except ConfigError as error:
        return error.faults[0]
    return ""
