"""Models that speak OpenAI's chat completions: OpenAI, OpenRouter, any server that does."""

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from adapters.llm.base import BaseLlm, RetryableCall, hide_key
from adapters.llm.chat import chat_messages, faults
from adapters.llm.per_process import PerProcess
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ModelUnavailable
from prompt_lab.ports import Answer, Request

_REFUSED = {
    *("allOf", "oneOf", "not", "if", "then", "else"),
    *("dependentRequired", "dependentSchemas", "patternProperties"),
}
"""Keywords that a strict schema may not hold."""


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The key `response_format` of a request.

    `strict` is true only where OpenAI takes it: a schema with an optional field would be refused.
    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    strict = schema.get("type") == "object" and "anyOf" not in schema and _strict(schema)
    body = {"name": "answer", "schema": dict(schema), "strict": strict}
    return {"type": "json_schema", "json_schema": body}


def _strict(schema: object) -> bool:
    """Whether each object in it requires all of its fields and allows no others."""
    if not isinstance(schema, Mapping) or _REFUSED & schema.keys():
        return False
    fields = _named_schema(schema, "properties")
    if "properties" in schema or "object" in _types(schema):
        required = schema.get("required", [])
        closed = schema.get("additionalProperties") is False
        if not closed or not all(name in required for name in fields):
            return False
    choices = schema.get("anyOf", [])
    parts = [*fields.values(), *_named_schema(schema, "$defs").values()]
    parts += _named_schema(schema, "definitions").values()
    parts += choices if isinstance(choices, list) else []
    parts += [schema["items"]] if "items" in schema else []
    return all(map(_strict, parts))


def _types(schema: Mapping[str, Any]) -> list[Any]:
    said = schema.get("type")
    return said if isinstance(said, list) else [said]


def _named_schema(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
}

LANES = 8
"""A client looks through all its connections at every call: at 128 at a time, one client costs
several times as much CPU as eight."""


class OpenAiLike(BaseLlm):
    """Through llama-index' OpenAILike; the connections are shared by all aliases."""

    def __init__(self, config: ModelConfig, **given: Any) -> None:
        super().__init__(config, **given)
        self._chats = PerProcess(self._connect)

    def check(self) -> str | None:
        """Which address or key is missing, or None. Makes no call."""
        if not self._address:
            # llama-index would turn to OpenAI itself, with a key that is not meant for it.
            return "it has no base URL: add 'base_url:' to its file"
        return super().check()

    def close(self) -> None:
        """Forget the clients. Their connections are shared, and end with the process."""
        self._chats.take()

    @property
    def _address(self) -> str:
        return self.config.base_url or ADDRESSES.get(self.config.provider, "")

    def _connect(self) -> list[Any]:
        if not self._address:
            raise ModelUnavailable(f"{self.config.alias}: {self.check()}")
        made = _connections.get()
        return [chat_client(self.config, self._address, lambda: self.key, http) for http in made]

    def _call(self, request: Request) -> Answer:
        chats = self._chats.get()
        return complete(chats[next(_turns) % len(chats)], self.config, request)


def chat_client(config: ModelConfig, address: str, key: Callable[[], str], http: Any) -> Any:
    """The llama-index object of one model at one address, over an httpx.Client.

    `key` is asked at every call. Raises ModelUnavailable for a model without chat completions.
    """
    from llama_index.llms.openai_like import OpenAILike  # noqa: PLC0415 -- takes seconds
    from openai import OpenAI  # noqa: PLC0415

    timeout = config.timeout_seconds
    client = OpenAI(api_key=key, base_url=address, http_client=http, max_retries=0, timeout=timeout)

    try:
        chat = OpenAILike(
            model=config.id,
            api_base=address,
            api_key="with the client",
            is_chat_model=True,
            max_retries=0,
            timeout=timeout,
            openai_client=client,
            reuse_client=True,
        )
    except ValueError as error:
        raise ModelUnavailable(f"{config.alias}: {hide_key(str(error), config)}") from None
    # The first use imports for a second, which must not count as the first call's own time.
    _ = chat._get_client().chat.completions
    return chat


def complete(
    chat: Any, config: ModelConfig, request: Request, more: Mapping[str, Any] | None = None
) -> Answer:
    """One chat completion as an Answer; `more` are keys of the request beside the config's own.

    Raises RetryableError, CallRefused or ModelUnavailable.
    """
    return converse(chat, config, request, call_settings(config, request, more or {}))


def converse(chat: Any, config: ModelConfig, request: Request, sent: Mapping[str, Any]) -> Answer:
    """One chat of any llama-index class on OpenAI's client; `sent` goes along with the texts.

    Raises RetryableError, CallRefused or ModelUnavailable.
    """
    import openai  # noqa: PLC0415 -- takes long

    begun = time.perf_counter()
    with faults(openai, config):
        response = chat.chat(chat_messages(request), **sent)
        return _answer(response, time.perf_counter() - begun)


def call_settings(config: ModelConfig, request: Request, more: Mapping[str, Any]) -> dict[str, Any]:
    """What goes along with the messages."""
    settings = config.settings
    limit = "max_completion_tokens" if config.provider == "openai" else "max_tokens"
    sent: dict[str, Any] = {limit: settings.max_tokens or request.max_tokens}
    # llama-index puts its own default where the key is absent; this leaves it out of the request.
    sent["temperature"] = settings.temperature if settings.temperature is not None else _omit()
    if request.seed is not None:
        sent["seed"] = request.seed
    # What is in extra_body goes into the request as it is: the client refuses keys that it
    # does not know, and takes long to walk through a schema.
    asked = {} if request.schema is None else {"response_format": response_format(request.schema)}
    sent["extra_body"] = {**asked, **settings.extra, **more}
    return sent


def _answer(response: Any, seconds: float) -> Answer:
    raw = response.raw
    reason = raw.choices[0].finish_reason or "stop"
    if reason == "error":
        raise RetryableCall("the server failed while it was answering")
    usage = raw.usage
    return Answer(
        text=response.message.content or "",
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
        seconds=seconds,
        finish_reason=reason,
        answered_by=raw.model or "",
    )


def _omit() -> Any:
    from openai import omit  # noqa: PLC0415

    return omit


def _connect_all() -> list[Any]:
    import httpx  # noqa: PLC0415

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
    trust = httpx.create_ssl_context()  # takes longer to make than a client
    return [
        httpx.Client(limits=limits, timeout=None, follow_redirects=True, verify=trust)
        for _ in range(LANES)
    ]


_connections: PerProcess[list[Any]] = PerProcess(_connect_all)
"""Connections for all aliases, in lanes; each call brings its own time limit."""

_turns = count()
