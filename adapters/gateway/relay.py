"""An upstream's answer on its way to the client: passed on, or turned into another dialect."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from adapters.gateway.stream_parts import EventCutter, KeyWatch, text_in_event
from adapters.wire.dialects.base import (
    Body,
    Dialect,
    Reply,
    ReplyHeader,
    event,
    events,
    read_reply,
)
from adapters.wire.dialects.chat import Chat, came_for_us
from prompt_lab.json_limits import parse_json
from prompt_lab.redact import Redactor

_EVENT_END = re.compile(rb"\r?\n\r?\n")
_CHAT = Chat()


class Relay(Protocol):
    """One answer. `feed` and `end` take a stream piece by piece, `whole` an answer at once."""

    def relay_chunk(self, data: bytes) -> bytes:
        """A piece of a stream; returns what can be sent on."""

    def end(self) -> tuple[bytes, Reply]:
        """The stream has ended; the rest to be sent. Raises ValueError where it ended early."""

    def relay_answer(self, data: bytes) -> tuple[bytes, Reply]:
        """An answer that is no stream. Raises ValueError where it is none."""

    def refusal(self, status: int, data: bytes) -> bytes:
        """The client's answer when the upstream refuses the request."""


class PassOn:
    """The bytes as they came, without keys and without events that the client did not ask for.

    The last event is held back until the stream has ended: clients hang up when they have it, and
    a call that is hung up has no tokens. So are those that may begin a key; a stream that spreads
    one over several events is broken off, since its bytes cannot be put otherwise.
    """

    def __init__(self, dialect: Dialect, body: Body, redactor: Redactor) -> None:
        self._dialect, self._body, self._redactor = dialect, body, redactor
        self._events = EventCutter(dialect.stream_type, held=1)
        self._keys = KeyWatch(redactor)
        self._waiting: list[bytes] = []
        self._all: list[bytes] = []

    def relay_chunk(self, data: bytes) -> bytes:
        """Whole events, as they are. Raises ValueError where they hold a key in pieces."""
        self._all.append(data)
        return self._without_keys(self._events.feed(data))

    def end(self) -> tuple[bytes, Reply]:
        """The last event."""
        rest = self._events.take_rest()
        reply = read_reply(self._dialect, b"".join(self._all), streamed=True)
        shown = self._without_keys(rest) + b"".join(self._waiting)
        return shown, _without_keys(reply, self._redactor)

    def relay_answer(self, data: bytes) -> tuple[bytes, Reply]:
        """The answer as it is."""
        shown = self._redactor.answer_bytes(data)
        return shown, _without_keys(read_reply(self._dialect, shown), self._redactor)

    def refusal(self, status: int, data: bytes) -> bytes:  # noqa: ARG002 -- it is in no body
        """The refusal as it is."""
        return self._redactor.answer_bytes(data)

    def _without_keys(self, data: bytes) -> bytes:
        shown = self._redactor.answer_bytes(self._drop_unasked(data))
        if not shown or not self._keys.needed:
            return shown
        # A key that is whole in one event is hidden by now; what is left comes in pieces.
        said = "".join(text_in_event(found) for found in _objects(shown))
        self._waiting.append(shown)
        if not self._keys.feed(said):
            return b""
        ready, self._waiting = b"".join(self._waiting), []
        return ready

    def _drop_unasked(self, data: bytes) -> bytes:
        if not isinstance(self._dialect, Chat) or b'"usage"' not in data:
            return data
        kept, start = [], 0
        for end in [*(found.end() for found in _EVENT_END.finditer(data)), len(data)]:
            part, start = data[start:end], end
            found = next(_objects(part), None)
            if found is None or not came_for_us(found, self._body):
                kept.append(part)
        return b"".join(kept)


class Translate:
    """Chat completions in, the client's dialect out."""

    def __init__(self, dialect: Dialect, stamp: ReplyHeader, redactor: Redactor) -> None:
        self._dialect, self._stamp, self._redactor = dialect, stamp, redactor
        self._writer = dialect.writer(stamp)
        self._events = EventCutter(_CHAT.stream_type, held=0)
        self._keys = KeyWatch(redactor)
        self._all: list[bytes] = []
        self._opened = False

    def relay_chunk(self, data: bytes) -> bytes:
        """Events of the other dialect, one for each piece of text."""
        self._all.append(data)
        out = [] if self._opened else [self._writer.write_start()]
        self._opened = True
        for line in self._redactor.answer_bytes(self._events.feed(data)).splitlines():
            text = self._keys.redact(_delta(line))
            out += [self._writer.delta(text)] if text else []
        return b"".join(out)

    def end(self) -> tuple[bytes, Reply]:
        """The closing events."""
        ready = self.relay_chunk(b"\n\n")  # an event that nothing stands behind
        if rest := self._keys.take_rest():
            ready += self._writer.delta(rest)
        reply = _without_keys(read_reply(_CHAT, b"".join(self._all), streamed=True), self._redactor)
        return ready + self._writer.write_end(reply), reply

    def relay_answer(self, data: bytes) -> tuple[bytes, Reply]:
        """The answer in the other dialect."""
        reply = _without_keys(read_reply(_CHAT, self._redactor.answer_bytes(data)), self._redactor)
        return self._dialect.answer(reply, self._stamp), reply

    def refusal(self, status: int, data: bytes) -> bytes:
        """The refusal in the other dialect."""
        text = self._redactor.answer_bytes(data).decode(errors="replace")
        return self._dialect.error(status, _complaint(text))


def rendered(dialect: Dialect, reply: Reply, stamp: ReplyHeader, *, streamed: bool) -> bytes:
    """An answer that no server gave, as a server of this dialect would give it."""
    if not streamed:
        return dialect.answer(reply, stamp)
    writer = dialect.writer(stamp)
    return writer.write_start() + writer.delta(reply.text) + writer.write_end(reply)


def _without_keys(reply: Reply, redactor: Redactor) -> Reply:
    """A stream may spread a key over two events, and JSON spell its letters as escapes."""
    return replace(
        reply,
        text=redactor.answer(reply.text),
        finish=redactor.answer(reply.finish),
        model=redactor.answer(reply.model),
    )


def _objects(part: bytes) -> Iterator[Body]:
    """The objects of a piece of a stream, up to the first line that is broken."""
    with suppress(ValueError):
        yield from events(part)


def _delta(line: bytes) -> str:
    try:
        found = event(line) or {}
        text: str = found["choices"][0]["delta"]["content"] or ""
    except (ValueError, LookupError, TypeError):
        return ""
    return text


def _complaint(text: str) -> str:
    """The message inside an error, or the text itself."""
    try:
        error = parse_json(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError):
        return text[:500]
