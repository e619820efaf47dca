"""Models that speak OpenAI's chat completions: OpenAI, OpenRouter, any server that does."""

import time
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

from adapters.llm.base import BaseLlm, Busy, fault_of
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Answer, Request

ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
}
_building = Lock()


class OpenAiLike(BaseLlm):
    """Through llama-index' OpenAILike; one object for each alias, one connection pool for all."""

    def __init__(self, config: ModelConfig, **given: Any) -> None:
        super().__init__(config, **given)
        self._chat: Any = None

    def _call(self, request: Request) -> Answer:
        with _building:
            if self._chat is None:
                address = self.config.base_url or ADDRESSES.get(self.config.provider, "")
                self._chat = chat_client(self.config, address, self.key)
        return complete(self._chat, self.config, request)


def chat_client(config: ModelConfig, address: str, key: str) -> Any:
    """The llama-index object of one model at one address."""
    from llama_index.llms.openai_like import OpenAILike  # noqa: PLC0415 -- takes seconds

    return OpenAILike(
        model=config.id,
        api_base=address,
        api_key=key,
        is_chat_model=True,
        max_retries=0,
        timeout=config.timeout_seconds,
        http_client=_connections(),
        reuse_client=True,
    )


def complete(chat: Any, config: ModelConfig, request: Request, **more: Any) -> Answer:
    """One chat completion as an Answer. Raises Busy, CallRefused or ModelUnavailable."""
    from llama_index.core.llms import ChatMessage  # noqa: PLC0415
    from openai import APIConnectionError, APIStatusError  # noqa: PLC0415

    messages = [
        ChatMessage(role="system", content=request.system),
        ChatMessage(role="user", content=request.user),
    ]
    begun = time.perf_counter()
    try:
        response = chat.chat(messages, **call_settings(config, request), **more)
    except APIStatusError as error:
        raise fault_of(
            error.status_code, error.message, error.response.headers, config.alias
        ) from None
    except APIConnectionError as error:
        raise Busy(f"no connection: {type(error.__cause__ or error).__name__}") from None
    raw = response.raw
    usage = raw.usage
    return Answer(
        text=response.message.content or "",
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
        seconds=time.perf_counter() - begun,
        finish_reason=raw.choices[0].finish_reason or "stop",
        answered_by=raw.model or "",
    )


def call_settings(config: ModelConfig, request: Request) -> dict[str, Any]:
    """What goes along with the messages."""
    settings = config.settings
    limit = "max_completion_tokens" if config.provider == "openai" else "max_tokens"
    sent: dict[str, Any] = {limit: settings.max_tokens or request.max_tokens}
    # llama-index puts its own default where the key is absent; None leaves it out of the request.
    sent["temperature"] = settings.temperature if settings.temperature is not None else _omit()
    if request.seed is not None:
        sent["seed"] = request.seed
    if request.schema is not None:
        sent["response_format"] = response_format(request.schema)
    return {**sent, **settings.extra}


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's way to ask for JSON under a schema."""
    body = {"name": "answer", "schema": dict(schema), "strict": True}
    return {"type": "json_schema", "json_schema": body}


def _omit() -> Any:
    from openai import omit  # noqa: PLC0415

    return omit


@cache
def _connections() -> Any:
    import httpx  # noqa: PLC0415

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
    return httpx.Client(limits=limits, timeout=None)
