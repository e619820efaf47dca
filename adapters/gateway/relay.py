"""An upstream's answer on its way to the client: passed on, or turned into another dialect."""

import json
import re
from dataclasses import replace
from typing import Protocol

from adapters.wire.dialects import DIALECTS
from adapters.wire.dialects.base import Body, Dialect, Reply, ReplyHeader, event, read_reply
from adapters.wire.dialects.chat import Chat, came_for_us
from prompt_lab.redact import Redactor

_EVENT_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\n")
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
    a call that is hung up has no tokens.
    """

    def __init__(self, dialect: Dialect, body: Body, redactor: Redactor) -> None:
        self._dialect, self._body, self._redactor = dialect, body, redactor
        self._rest = b""
        self._all: list[bytes] = []

    def relay_chunk(self, data: bytes) -> bytes:
        """Whole events, as they are."""
        self._all.append(data)
        self._rest += data
        cut = _end(self._rest, self._dialect.stream_type, held=1)
        ready, self._rest = self._rest[:cut], self._rest[cut:]
        return self._redactor.answer_bytes(self._rename_model(ready))

    def end(self) -> tuple[bytes, Reply]:
        """The last event."""
        rest, self._rest = self._rest, b""
        reply = read_reply(self._dialect, b"".join(self._all), streamed=True)
        return self._redactor.answer_bytes(self._rename_model(rest)), _without_keys(
            reply, self._redactor
        )

    def relay_answer(self, data: bytes) -> tuple[bytes, Reply]:
        """The answer as it is."""
        shown = self._redactor.answer_bytes(data)
        return shown, _without_keys(read_reply(self._dialect, shown), self._redactor)

    def refusal(self, status: int, data: bytes) -> bytes:  # noqa: ARG002 -- it is in no body
        """The refusal as it is."""
        return self._redactor.answer_bytes(data)

    def _rename_model(self, data: bytes) -> bytes:
        if not isinstance(self._dialect, Chat) or b'"usage"' not in data:
            return data
        kept, start = [], 0
        for end in [*(found.end() for found in _EVENT_END.finditer(data)), len(data)]:
            part, start = data[start:end], end
            found = _object(part)
            if found is None or not came_for_us(found, self._body):
                kept.append(part)
        return b"".join(kept)


class Translate:
    """Chat completions in, the client's dialect out."""

    def __init__(self, dialect: Dialect, stamp: ReplyHeader, redactor: Redactor) -> None:
        self._dialect, self._stamp, self._redactor = dialect, stamp, redactor
        self._writer = dialect.writer(stamp)
        self._all: list[bytes] = []
        self._rest = b""
        self._opened = False

    def relay_chunk(self, data: bytes) -> bytes:
        """Events of the other dialect, one for each piece of text."""
        self._all.append(data)
        self._rest += data
        cut = _end(self._rest, _CHAT.stream_type, held=0)
        ready, self._rest = self._rest[:cut], self._rest[cut:]
        out = [] if self._opened else [self._writer.write_start()]
        self._opened = True
        for line in self._redactor.answer_bytes(ready).splitlines():
            text = _delta(line)
            out += [self._writer.delta(text)] if text else []
        return b"".join(out)

    def end(self) -> tuple[bytes, Reply]:
        """The closing events."""
        ready = self.relay_chunk(b"\n\n")  # an event that nothing stands behind
        reply = _without_keys(read_reply(_CHAT, b"".join(self._all), streamed=True), self._redactor)
        return ready + self._writer.write_end(reply), reply

    def relay_answer(self, data: bytes) -> tuple[bytes, Reply]:
        """The answer in the other dialect."""
        reply = read_reply(_CHAT, self._redactor.answer_bytes(data))
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
    """A stream may spread a key over two events."""
    return replace(reply, text=redactor.answer(reply.text))


def _end(data: bytes, stream_type: str, *, held: int) -> int:
    """Where the whole events end, without the last `held` of them."""
    lines = stream_type == DIALECTS["ollama"].stream_type
    ends = [found.end() for found in (_LINE_END if lines else _EVENT_END).finditer(data)]
    return ends[-1 - held] if len(ends) > held else 0


def _object(part: bytes) -> Body | None:
    for line in part.splitlines():
        try:
            found = event(line)
        except ValueError:
            return None
        if found is not None:
            return found
    return None


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
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError):
        return text[:500]
