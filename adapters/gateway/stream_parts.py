"""A stream's bytes as whole events, and its text without a key that is spread over several."""

import re
from typing import Any

from adapters.wire.dialects import DIALECTS
from adapters.wire.dialects.base import Body
from prompt_lab.redact import Redactor

_EVENT_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\n")
_OVERLAP = 3
"""Bytes of an event's end that may have come before the rest of it."""
_TEXTS = frozenset(
    {"content", "text", "partial_json", "arguments", "delta", "refusal", "thinking"}
    | {"reasoning", "reasoning_content"}
)
"""Keys under which the dialects put a piece of what a model says."""
SHORTEST_START = 3
"""Letters that may be the beginning of a key: fewer are in every other event."""


class EventCutter:
    """Takes bytes as they come, gives whole events; each byte is looked at once."""

    def __init__(self, stream_type: str, held: int) -> None:
        """`held`: how many whole events are kept back until more come."""
        by_line = stream_type == DIALECTS["ollama"].stream_type
        self._end = _LINE_END if by_line else _EVENT_END
        self._held = held
        self._rest = bytearray()
        self._ends: list[int] = []
        self._seen = 0

    def feed(self, data: bytes) -> bytes:
        """The whole events so far that are not kept back."""
        self._rest += data
        start = max(self._ends[-1] if self._ends else 0, self._seen - _OVERLAP)
        self._ends += [found.end() for found in self._end.finditer(self._rest, start)]
        self._seen = len(self._rest)
        if len(self._ends) <= self._held:
            return b""
        cut = self._ends[-1 - self._held]
        return self._take(cut)

    def take_rest(self) -> bytes:
        """What is left at the end."""
        return self._take(len(self._rest))

    def _take(self, cut: int) -> bytes:
        taken = bytes(self._rest[:cut])
        del self._rest[:cut]
        self._ends = [end - cut for end in self._ends if end > cut]
        self._seen = len(self._rest)
        return taken


def text_in_event(event: Body) -> str:
    """All that an event says in a model's words, whatever its dialect.

    >>> text_in_event({"choices": [{"delta": {"content": "a", "role": "b"}}]})
    'a'
    """
    return "".join(_texts(event, said=False))


def _texts(value: Any, *, said: bool) -> list[str]:
    if isinstance(value, str):
        return [value] if said else []
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, said=said)]
    if isinstance(value, dict):
        return [t for key, item in value.items() for t in _texts(item, said=key in _TEXTS)]
    return []


class KeyWatch:
    """Looks for known keys in a text that comes in pieces."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._tail = ""

    @property
    def needed(self) -> bool:
        """Whether there is a key to look for."""
        return self._redactor.longest_key > 0

    def feed(self, text: str) -> bool:
        """Whether all so far may be shown: its end is not the beginning of a key.

        Raises ValueError once a key is whole.
        """
        self._tail += text
        if self._redactor.known_in(self._tail) != self._tail:
            raise ValueError("it repeats a key, in pieces")
        self._tail = self._tail[-self._redactor.longest_key :]
        return self._redactor.key_start_length(self._tail) < SHORTEST_START

    def redact(self, text: str) -> str:
        """What may be shown now, without keys; the beginning of what may be one is kept back."""
        self._tail = self._redactor.known_in(self._tail + text)
        kept = self._redactor.key_start_length(self._tail)
        shown = self._tail[: len(self._tail) - kept]
        self._tail = self._tail[len(shown) :]
        return shown

    def take_rest(self) -> str:
        """What `redact` has kept back: no key any more, since nothing follows."""
        rest, self._tail = self._tail, ""
        return rest
