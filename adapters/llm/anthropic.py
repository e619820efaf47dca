"""Claude, through llama-index' Anthropic."""

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from adapters.llm.base import answer_of
from adapters.llm.chat import ChatClient, ChatLlm, chat_messages, faults
from adapters.llm.sdk_transport import make_http_client
from adapters.llm.wire_requests import TOOL, answer_tool, base_address
from adapters.wire.dialects.base import Reply, normalize_finish
from adapters.wire.dialects.messages import sum_input_tokens
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Answer, Request


class Anthropic(ChatLlm):
    """JSON under a schema comes from a tool that must be called; its input is the answer's text.

    Anthropic knows no seed: a request's seed is not sent.
    """

    @property
    def client_reads_environment(self) -> bool:
        """llama-index' class makes clients of its own before it is given ours."""
        return True

    def _connect(self) -> ChatClient:
        chat = chat_class()(
            model=self.config.id,
            api_key=self.key,
            base_url=base_address(self.config),
            timeout=self.config.timeout_seconds,
            max_retries=0,
        )
        # llama-index takes no client of ours, and makes two.
        http = make_http_client()
        chat._client = chat._client.with_options(http_client=http)
        return ChatClient(chat, http.close)

    def _call(self, request: Request) -> Answer:
        return converse(self._chat, self.config, request, call_settings(self.config, request))


def converse(chat: Any, config: ModelConfig, request: Request, sent: Mapping[str, Any]) -> Answer:
    """One message of a llama-index Anthropic; `sent` goes along with the texts.

    Raises RetryableError, CallRefused or ModelUnavailable.
    """
    import anthropic  # noqa: PLC0415 -- takes long

    begun = time.perf_counter()
    with faults(anthropic, config):
        response = chat.chat(chat_messages(request), **sent)
        return _answer(response, time.perf_counter() - begun)


@cache
def chat_class() -> Any:
    """llama-index' Anthropic, for models of any age."""
    from llama_index.llms.anthropic import Anthropic as Chat  # noqa: PLC0415 -- takes seconds

    class AnyClaude(Chat):
        """Does not look itself up in llama-index' table, which refuses a model newer than it."""

        def to_payload(self) -> dict[str, Any]:
            return {"class_name": self.class_name(), "model_name": self.model}

    return AnyClaude


def call_settings(config: ModelConfig, request: Request) -> dict[str, Any]:
    """What goes along with the messages."""
    from anthropic import omit  # noqa: PLC0415

    settings = config.settings
    temperature = settings.temperature if settings.temperature is not None else omit
    sent: dict[str, Any] = {
        "max_tokens": settings.max_tokens or request.max_tokens,
        "temperature": temperature,
    }
    if request.schema is not None:
        sent["tools"] = [answer_tool(request.schema)]
        sent["tool_choice"] = {"type": "tool", "name": TOOL}
    return {**sent, "extra_body": dict(settings.extra)} if settings.extra else sent


def _answer(response: Any, seconds: float) -> Answer:
    raw = response.raw
    inputs = [block.input for block in raw["content"] if block.type == "tool_use"]
    said = "".join(block.text for block in raw["content"] if block.type == "text")
    text = json.dumps(inputs[0], ensure_ascii=False) if inputs else said
    usage = raw["usage"].model_dump()
    reply = Reply(
        text,
        normalize_finish(raw["stop_reason"]),
        sum_input_tokens(usage),
        usage.get("output_tokens"),
        raw["model"],
    )
    return answer_of(reply, seconds)
