"""A model that answers one request at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Request:
    """One call of a model: two messages and, perhaps, a JSON schema that the answer must obey."""

    system: str
    user: str
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 256
    seed: int | None = None


@dataclass(frozen=True)
class Conversation(Request):
    """A call with messages of its own instead of the two; chat completions alone take it."""

    messages: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the request, as they are."""


@dataclass(frozen=True)
class Answer:
    """What came back. `seconds` is the call alone; `waited` is the time before it could begin."""

    text: str
    input_tokens: int
    output_tokens: int
    seconds: float
    waited: float = 0.0
    retries: int = 0
    finish_reason: str = "stop"
    answered_by: str = ""
    alias: str = ""
    """Which of several models answered; '' where there is only one."""


class Llm(Protocol):
    """A model under one alias. Safe to call from many threads at once."""

    def check(self) -> str | None:
        """Why the model cannot be used (which key is missing), or None. Makes no call."""

    def ask(self, request: Request) -> Answer:
        """One answer. Raises TransientError when the model cannot be reached after retries."""

    def close(self) -> None:
        """Give back connections and processes. Further calls may open them again."""


Ask = Callable[[Request], Answer]
