"""What the dialects have in common: a request and an answer in no vendor's words."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from prompt_lab.json_limits import parse_json

Body = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One text of a conversation."""

    role: str
    text: str


@dataclass(frozen=True)
class Ask:
    """What a request asks for. `settings` have the names of chat completions.

    With a `tool` the answer is its input, an object under `schema`. What chat completions have no
    counterpart for is `refused`, or `dropped` where the answer does not hang on it.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    json_object: bool = False
    tool: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What an answer says. Tokens are None where it names none that can be.

    `finish` is one of stop, length, refusal, content_filter, or the server's own word for what
    is none of these. The text of a refusal is its reason.
    """

    text: str
    finish: str = "stop"
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str = ""

    def __post_init__(self) -> None:
        told = (self.input_tokens, self.output_tokens)
        if any(n is not None and not is_count(n) for n in told):
            object.__setattr__(self, "input_tokens", None)
            object.__setattr__(self, "output_tokens", None)


MOST_TOKENS = 10**9
"""Of one call: what is beyond it cannot be, and would be money."""
_FINISHES = {
    **dict.fromkeys(("stop", "tool_calls", "function_call", "end_turn"), "stop"),
    **dict.fromkeys(("stop_sequence", "tool_use"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens"), "length"),
    "model_context_window_exceeded": "length",
    **dict.fromkeys(("content_filter", "safety", "SAFETY"), "content_filter"),
}


def normalize_finish(reason: object) -> str:
    """A server's reason for the end of its answer, in our words. A longer text is no reason.

    >>> [normalize_finish(r) for r in ("end_turn", "max_tokens", "refusal", None, "pause_turn")]
    ['stop', 'length', 'refusal', 'stop', 'pause_turn']
    >>> normalize_finish("x" * 41)
    'other'
    """
    if not isinstance(reason, str) or not reason:
        return "stop"
    return _FINISHES.get(reason, reason if len(reason) <= 40 else "other")


def is_count(tokens: object) -> bool:
    """Whether this can be a number of tokens of one call."""
    whole = isinstance(tokens, int) and not isinstance(tokens, bool)
    return whole and 0 <= tokens <= MOST_TOKENS  # type: ignore[operator]


@dataclass(frozen=True)
class ReplyHeader:
    """What an answer that the gateway writes carries besides: an id, its time, the model's id.

    `counted`: the stream is to name its tokens, which chat completions do only where asked to.
    """

    id: str
    created: int
    model: str
    tool: str = ""
    counted: bool = False


class Writer(Protocol):
    """Writes an answer as a stream."""

    def write_start(self) -> bytes:
        """The events before the first text."""

    def delta(self, text: str) -> bytes:
        """A piece of the text."""

    def write_end(self, reply: Reply) -> bytes:
        """The events after the last text. `reply` is the whole answer."""


class Dialect(ABC):
    """One vendor's way of asking and answering."""

    path: str
    stream_type = "text/event-stream"
    text_key = "messages"
    """The key of a request that holds the conversation."""

    def streams(self, body: Body) -> bool:
        """Whether the request wants its answer as a stream: most do where they say so."""
        return bool(body.get("stream"))

    @abstractmethod
    def ask(self, body: Body) -> Ask:
        """What the request asks for."""

    @abstractmethod
    def read(self, raw: bytes) -> Reply:
        """What an answer says. Raises ValueError where it is none."""

    @abstractmethod
    def read_stream(self, raw: bytes) -> Reply:
        """What a streamed answer says. Raises ValueError where it has not ended."""

    @abstractmethod
    def answer(self, reply: Reply, stamp: ReplyHeader) -> bytes:
        """The answer, written."""

    @abstractmethod
    def writer(self, stamp: ReplyHeader) -> Writer:
        """What writes the answer as a stream."""

    @abstractmethod
    def error(self, status: int, message: str) -> bytes:
        """A refusal as the vendor's clients read it."""


def load(raw: bytes) -> Body:
    """An answer's object. Raises ValueError where it is none, or is an error."""
    found = parse_json(raw)
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    if found.get("error"):
        # Not shortened here: a key that is cut in two is not found by its value any more.
        raise ValueError(f"it is an error: {json.dumps(found['error'])}")
    return found


def read_reply(dialect: Dialect, raw: bytes, *, streamed: bool = False) -> Reply:
    """What an answer says. Raises ValueError for anything else, whatever its shape."""
    try:
        reply = dialect.read_stream(raw) if streamed else dialect.read(raw)
    except (AttributeError, TypeError, LookupError) as error:
        raise ValueError(f"it has another shape ({type(error).__name__})") from None
    if not isinstance(reply.text, str):
        raise ValueError("its text is none")
    return reply


def dump(value: Mapping[str, Any]) -> bytes:
    """An object as it is sent."""
    return json.dumps(value, separators=(",", ":")).encode()


def events(raw: bytes) -> Iterator[Body]:
    """The objects in a stream: of lines `data: {…}`, or of lines that are objects."""
    for line in raw.splitlines():
        found = event(line)
        if found is not None:
            yield found


def event(line: bytes) -> Body | None:
    """The object on one line of a stream. Raises ValueError where it is broken or an error."""
    text = line.removeprefix(b"data:").strip()
    return load(text) if text.startswith(b"{") else None


def text_of(content: Any, kinds: Sequence[Any] = ("text",)) -> tuple[str, list[str]]:
    """The text of a string or of a list of parts, and the kinds of parts that are no text."""
    if isinstance(content, str) or content is None:
        return content or "", []
    texts, others = [], []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        if kind in kinds:
            texts.append(str(part.get("text", "")))
        else:
            others.append(f"content of type {kind!r}")
    return "\n".join(texts), others


class Tools(NamedTuple):
    """The one tool whose input is the answer, and what of the offer cannot be kept to."""

    tool: Body | None = None
    refused: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def tools_of(offered: Any, choice: Any) -> Tools:
    """The tool that must be called. One alone, left to the model's choice, is taken as wanted:
    llama-index asks for structured output that way."""
    tools = [t for t in offered if isinstance(t, dict)] if isinstance(offered, list) else []
    name = choice or "auto"
    if isinstance(choice, dict):
        name = choice.get("name") or choice.get("function", {}).get("name") or choice.get("type")
    if not tools or name == "none":
        return Tools()
    if name in ("any", "required", "auto") and len(tools) == 1:
        free = ("the choice to call no tool",) if name == "auto" else ()
        return Tools(tools[0], dropped=free)
    tool = next((t for t in tools if (t.get("function") or t).get("name") == name), None)
    return Tools(tool, () if tool else ("tools among which the model chooses",))


def select_settings(body: Mapping[str, Any], names: Mapping[str, str]) -> Body:
    """The settings of a request that have a counterpart: their name there -> chat's name."""
    return {new: body[old] for old, new in names.items() if body.get(old) is not None}


def object_in(text: str) -> Body | None:
    """The JSON object that a text is; None where it is none (it was cut, say)."""
    try:
        found = parse_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
