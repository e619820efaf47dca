"""What the readers of other tools' traces share: lenient values, and a trace of ordered events."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prompt_lab.clock import write_time
from prompt_lab.json_limits import parse_json
from prompt_lab.ports.trace_reader import MalformedTrace
from prompt_lab.traces import Event, Payload, Trace, summarize


def read_text(value: object) -> str:
    """A value as text; JSON for what is neither text nor None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def read_number(value: object) -> float | None:
    """A finite number, also where it is written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e21 else None


def read_count(value: object) -> int:
    """A whole number that is not negative; 0 for anything else."""
    number = read_number(value)
    return int(number) if number is not None and number > 0 else 0


def read_time(value: object) -> str:
    """UTC in ISO 8601 with milliseconds; '' for what is no time.

    Texts in ISO 8601, seconds since 1970, nanoseconds since 1970 (OTLP), [seconds, nanoseconds].

    >>> read_time("2026-02-26T07:00:00+01:00"), read_time([1770131992, 242000000])
    ('2026-02-26T06:00:00.000Z', '2026-02-03T15:19:52.242Z')
    """
    try:
        if isinstance(value, str) and not value.isdigit():
            time = datetime.fromisoformat(value)
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
        elif isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
            time = datetime.fromtimestamp(value[0] + value[1] / 1e9, UTC)
        else:
            number = read_number(value)
            if number is None:
                return ""
            time = datetime.fromtimestamp(number / 1e9 if number > 1e12 else number, UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return ""
    return write_time(time)


def milliseconds(start: str, end: str) -> float | None:
    """Between two times as read_time gives them; None where one is missing."""
    if not start or not end:
        return None
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return span.total_seconds() * 1000


def make_trace(events: Sequence[Event], payload: Mapping[str, Any], **fields: Any) -> Trace:
    """A trace with its summary. Raises ValueError (pydantic's) for what is none."""
    given = {"events": tuple(events), "summary": summarize(events), **payload}
    return Trace(payload=Payload(**given), **fields)


def read_messages(value: object) -> tuple[dict[str, Any], ...]:
    """Chat messages in OpenAI's form; () where it is none. Also those that are JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ()
    if isinstance(value, Mapping):
        value = value.get("messages")
    if not isinstance(value, list):
        return ()
    found = [dict(one) for one in value if isinstance(one, Mapping) and one.get("role")]
    return tuple(found) if len(found) == len(value) else ()


def last_of(messages: Iterable[Mapping[str, Any]], role: str) -> str:
    """The text of the last message of a role."""
    texts = [read_text(one.get("content")) for one in messages if one.get("role") == role]
    return next((text for text in reversed(texts) if text), "")


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, line) of JSON Lines; blank lines are left out."""
    # splitlines() would also divide at characters that JSON strings may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def read_documents(
    documents: Iterable[tuple[int, str]], read: Callable[[object, str], Iterable[Trace]]
) -> Iterator[Trace | MalformedTrace]:
    """The traces that `read` finds in the JSON of each document, given with its text.

    A document that it cannot read is malformed, with the reason.
    """
    for number, text in documents:
        try:
            yield from read(parse_json(text), text)
        except (ValueError, TypeError, RecursionError) as error:
            yield MalformedTrace(number, str(error)[:300], text)


def documents_of(text: str) -> Iterator[tuple[int, str]]:
    """(line from 1, text) of the JSON of a file: all of it, else each line for itself."""
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        yield from lines_of(text)
    else:
        yield 1, text
