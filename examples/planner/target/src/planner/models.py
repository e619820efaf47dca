"""The models of one run: the first that gives a valid answer counts, anew for each call."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from openai import APIConnectionError, APITimeoutError, OpenAIError
from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)
TIMEOUT_SECONDS = 300.0
MAX_TOKENS = 4000


class NoAnswer(Exception):
    """No model gave a valid answer. `kind` is 'unreachable' where none could be reached at all."""

    def __init__(self, faults: list[str], *, reached: bool) -> None:
        self.kind = "invalid_answer" if reached else "unreachable"
        super().__init__("; ".join(faults))


@dataclass
class Call:
    """One call of one model, as it is written to the usage file. Durations are seconds."""

    timestamp: str
    model: str
    success: bool
    duration_seconds: float
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""


class Models:
    """Models in their order of preference; `calls` is what was asked of them so far."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.calls: list[Call] = []
        self._entries = entries
        self._clients: dict[str, OpenAILike] = {}

    def ask(self, system: str, user: str, shape: type[T]) -> tuple[T, str]:
        """(answer of that shape, name of the model that gave it). Raises NoAnswer."""
        faults: list[str] = []
        reached = False
        for entry in self._entries:
            call = Call(datetime.now(UTC).isoformat(), entry["name"], False, 0.0)
            self.calls.append(call)
            started = time.monotonic()
            try:
                answer = self._once(entry, (system, user), shape, call)
                call.success = True
                return answer, entry["name"]
            except (OpenAIError, ValidationError) as error:
                reached = reached or isinstance(error, ValidationError)
                call.error = _brief(error)
                faults.append(f"{entry['name']}: {call.error}")
            finally:
                call.duration_seconds = round(time.monotonic() - started, 3)
        raise NoAnswer(faults, reached=reached)

    def _once(self, entry: dict[str, Any], texts: tuple[str, str], shape: type[T], call: Call) -> T:
        messages = [ChatMessage(role="system", content=texts[0])]
        messages.append(ChatMessage(role="user", content=texts[1]))
        schema = {"name": shape.__name__, "schema": _schema(shape), "strict": True}
        wanted = {"type": "json_schema", "json_schema": schema}
        try:
            response = self._client(entry).chat(messages, response_format=wanted)
        except APITimeoutError:
            raise
        except APIConnectionError:  # such as a kept connection that the server has just closed
            response = self._client(entry).chat(messages, response_format=wanted)
        usage = getattr(response.raw, "usage", None)
        if usage is not None:
            call.input_tokens, call.output_tokens = usage.prompt_tokens, usage.completion_tokens
        return shape.model_validate_json(response.message.content or "")

    def _client(self, entry: dict[str, Any]) -> OpenAILike:
        if entry["name"] not in self._clients:
            self._clients[entry["name"]] = OpenAILike(
                model=entry["model"],
                api_base=entry["base_url"],
                api_key="not-needed",
                is_chat_model=True,
                temperature=0.0,
                max_tokens=MAX_TOKENS,
                max_retries=0,
                timeout=TIMEOUT_SECONDS,
            )
        return self._clients[entry["name"]]


def _brief(error: OpenAIError | ValidationError) -> str:
    """What went wrong, in a line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        return f"{place}: {first['msg']} ({error.error_count()} in all)"
    cause = f" ({error.__cause__!r})" if error.__cause__ else ""
    return f"{type(error).__name__}: {error}{cause}"


def _schema(shape: type[BaseModel]) -> Any:
    """The schema without references, which some servers do not follow."""
    whole = shape.model_json_schema()
    known = whole.pop("$defs", {})

    def written_out(part: Any) -> Any:
        if isinstance(part, list):
            return [written_out(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return written_out(known[part["$ref"].rpartition("/")[2]])
        return {key: written_out(value) for key, value in part.items()}

    return written_out(whole)
