"""Rows of the files of facts as outcomes: metrics.jsonl, query_feedback.ndjson, query_trace.ndjson.

Names of fields are those of CallOutcome, or the usual others of FIELD_NAMES. Texts lose personal
data and keys before they go anywhere.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

from prompt_lab.clock import write_time
from prompt_lab.json_limits import check_json_limits
from prompt_lab.outcomes import CallOutcome, is_empty
from prompt_lab.promptops.personal import hide_personal

METRICS: Final = "metrics.jsonl"
FEEDBACK: Final = "facts/query_feedback.ndjson"
TRACES: Final = "facts/query_trace.ndjson"
METRIC_TYPES: Final = ("prepare_prompt", "model_interaction", "review_result")
FIELD_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "trace": ("trace", "trace_id", "request_id", "query_id"),
    "when": ("ts", "when", "timestamp", "time", "created_at"),
    "question": ("question", "query", "user_message"),
    "answer": ("answer", "response", "final_answer"),
    "sources": ("sources", "contexts", "evidence"),
    "source_count": ("source_count", "sources_count"),
    "cost_usd": ("cost_usd", "cost"),
    "unit": ("unit", "unit_hash"),
    "feedback": ("feedback", "thumb", "rating", "helpful"),
}
_EXPECTED: Final = ("expects_any", "expects_all", "expect_exact", "require_citations")
_UP: Final = ("up", "thumbs_up", "positive", "good", "correct", "yes", "1", "true")
_DOWN: Final = ("down", "thumbs_down", "negative", "bad", "wrong", "no", "-1", "0", "false")
_MOST: Final = {"question": 4_000, "answer": 8_000, "error": 200}
_MOST_SOURCES: Final = 20
_SECONDS_LIMIT: Final = 1e11
"""A number of seconds since 1970 beyond this is one of milliseconds."""


class MalformedRow(ValueError):
    """A row that says nothing we can use; its message is the reason."""


def parse_row(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises MalformedRow."""
    try:
        check_json_limits(line)
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedRow(f"not JSON: {error}") from error
    if not isinstance(row, dict):
        raise MalformedRow("not a JSON object")
    return row


def read_outcome(kind: str, row: Mapping[str, Any], key: str, now: str) -> CallOutcome | None:
    """What a row of one of the three files says of a call; None where it says nothing of one.

    `key` names the row where it has no trace of its own; `now` is its time where it has none.
    Raises MalformedRow.
    """
    if kind == METRICS:
        type_ = str(row.get("type", "")).removeprefix("promptops.")
        if type_ not in METRIC_TYPES:
            raise MalformedRow(f"'type' is {str(row.get('type'))[:60]!r}, none of ours")
        return _read_metric(type_, row, key, now)
    found = _read_fields(row, now)
    if kind == FEEDBACK and not found.get("feedback"):
        raise MalformedRow("there is no 'feedback' (up or down)")
    if kind == TRACES and not found.get("question"):
        raise MalformedRow("there is no 'query'")
    return _make(found, key)


def _read_metric(type_: str, row: Mapping[str, Any], key: str, now: str) -> CallOutcome | None:
    found = _read_fields(row, now)
    if type_ == "prepare_prompt":
        found.pop("latency_ms", None)  # of prepare itself, not of the call
        found.pop("success", None)
    has_trace = bool(found.get("trace"))
    if not has_trace and type_ != "model_interaction":
        return None
    if type_ == "model_interaction" and found.get("success") is None and not found.get("error"):
        raise MalformedRow("a model_interaction needs 'success'")
    return _make(found, key)


def _make(found: dict[str, Any], key: str) -> CallOutcome:
    found.setdefault("trace", "")
    found["trace"] = str(found["trace"]) or key
    try:
        return CallOutcome.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise MalformedRow(f"{place}: {first['msg']}") from error


def _read_fields(row: Mapping[str, Any], now: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in CallOutcome.model_fields:
        for spelled in FIELD_NAMES.get(name, (name,)):
            if spelled in row and not is_empty(row[spelled]):
                found[name] = row[spelled]
                break
    found.pop("version", None)
    found["when"] = _read_time(found.get("when"), now)
    if "feedback" in found:
        found["feedback"] = _read_thumb(found["feedback"])
    for name in ("question", "answer", "error"):
        if name in found:
            found[name] = hide_personal(_read_text(found[name])[: _MOST[name]])
    found["sources"] = _read_sources(found.get("sources"))
    if found["sources"] and "source_count" not in found:
        found["source_count"] = len(found["sources"])
    expected = dict(found["expected"]) if isinstance(found.get("expected"), dict) else {}
    expected |= {name: row[name] for name in _EXPECTED if not is_empty(row.get(name))}
    found["expected"] = {
        name: _clean(value) for name, value in expected.items() if name in _EXPECTED
    }
    return found


def _read_time(value: object, now: str) -> str:
    if value is None:
        return now
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > _SECONDS_LIMIT else value
            return write_time(datetime.fromtimestamp(seconds, UTC))
        time = datetime.fromisoformat(str(value))
        return write_time(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedRow(f"the time {str(value)[:40]!r} is none") from error


def _read_thumb(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = str(value).strip().casefold()
    if word in _UP:
        return "up"
    if word in _DOWN:
        return "down"
    raise MalformedRow(f"the feedback {str(value)[:40]!r} is neither up nor down")


def _read_text(value: object) -> str:
    if isinstance(value, list):  # the parts of a chat message
        parts = [str(one.get("text", "")) for one in value if isinstance(one, dict)]
        return "\n".join(filter(None, parts))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_sources(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    texts = []
    for one in value[:_MOST_SOURCES]:
        text = one
        if isinstance(one, dict):
            text = next((one[k] for k in ("text", "content", "snippet") if one.get(k)), "")
        if isinstance(text, str) and text.strip():
            texts.append(hide_personal(text[:2_000]))
    return tuple(texts)


def _clean(value: object) -> object:
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return hide_personal(value) if isinstance(value, str) else value


def name_row(file: str, head: str, offset: int, line: bytes) -> str:
    """A trace for a row that names none: the same for the same row at the same place of a file."""
    return "row-" + sha256(f"{file}\0{head}\0{offset}\0".encode() + line).hexdigest()[:32]
