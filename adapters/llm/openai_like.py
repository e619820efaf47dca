"""Anything that speaks OpenAI's chat completions, through llama-index' OpenAILike.

For low-volume calls, and for runs whose config says `client: sdk`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from adapters.llm.base import answer_of, hide_key
from adapters.llm.chat import ChatClient, ChatLlm, chat_messages, faults
from adapters.llm.response_format import response_format
from adapters.llm.sdk_transport import make_http_client
from adapters.llm.wire_requests import base_address, limit_key, no_address
from adapters.wire.dialects.base import Reply, normalize_finish
from adapters.wire.retry import RetryableError
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ModelUnavailable
from prompt_lab.ports import Answer, Request


class OpenAiLike(ChatLlm):
    """Through llama-index' OpenAILike."""

    def find_missing(self) -> str | None:
        """Which address or key is missing, or None."""
        # llama-index would turn to OpenAI itself, with a key that is not meant for it.
        return no_address(self.config) or super().find_missing()

    def _connect(self) -> ChatClient:
        if why := no_address(self.config):
            raise ModelUnavailable(f"{self.config.alias}: {why}")
        http = make_http_client()
        made = chat_client(self.config, base_address(self.config), lambda: self.key, http)
        return ChatClient(made, http.close)

    def _call(self, request: Request) -> Answer:
        sent = call_settings(self.config, request)
        return converse(self._chat, self.config, request, sent)


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


def converse(chat: Any, config: ModelConfig, request: Request, sent: Mapping[str, Any]) -> Answer:
    """One chat of any llama-index class on OpenAI's client; `sent` goes along with the texts.

    Raises RetryableError, CallRefused or ModelUnavailable.
    """
    import openai  # noqa: PLC0415 -- takes long

    begun = time.perf_counter()
    with faults(openai, config):
        response = chat.chat(chat_messages(request), **sent)
        return _answer(response, time.perf_counter() - begun)


def call_settings(config: ModelConfig, request: Request) -> dict[str, Any]:
    """What goes along with the messages."""
    settings = config.settings
    sent: dict[str, Any] = {limit_key(config): settings.max_tokens or request.max_tokens}
    # llama-index puts its own default where the key is absent; this leaves it out of the request.
    sent["temperature"] = settings.temperature if settings.temperature is not None else _omit()
    if request.seed is not None:
        sent["seed"] = request.seed
    # What is in extra_body goes into the request as it is: the client refuses keys that it
    # does not know, and takes long to walk through a schema.
    asked = {} if request.schema is None else {"response_format": response_format(request.schema)}
    sent["extra_body"] = {**asked, **settings.extra}
    return sent


def _answer(response: Any, seconds: float) -> Answer:
    raw = response.raw
    choice, text = raw.choices[0], response.message.content or ""
    reason, refusal = choice.finish_reason, getattr(choice.message, "refusal", None)
    if reason == "error":
        raise RetryableError("the server behind the address failed while it answered")
    if refusal and not text:
        text, reason = refusal, "refusal"
    usage = raw.usage
    reply = Reply(
        text,
        finish=normalize_finish(reason),
        input_tokens=usage.prompt_tokens if usage else None,
        output_tokens=usage.completion_tokens if usage else None,
        model=raw.model or "",
    )
    return answer_of(reply, seconds)


def _omit() -> Any:
    from openai import omit  # noqa: PLC0415

    return omit
