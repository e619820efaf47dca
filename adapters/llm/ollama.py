"""Models of an Ollama server, through llama-index' Ollama."""

import time
from typing import Any

import httpx

from adapters.llm.base import MALFORMED, fault_of
from adapters.llm.chat import ChatClient, ChatLlm, chat_messages, transport_fault
from adapters.llm.sdk_transport import WireTransport
from adapters.llm.wire_requests import (
    CONTEXT_TOKENS,
    base_address,
    check_context,
    check_read_whole,
)
from adapters.wire.dialects.base import normalize_finish
from adapters.wire.retry import ReadTimeout, RetryableError
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Answer, Request


class OllamaLlm(ChatLlm):
    """`settings.extra` are Ollama's options (num_ctx, top_k …). JSON comes by `format=schema`."""

    def _connect(self) -> ChatClient:
        from llama_index.llms.ollama import Ollama as Chat  # noqa: PLC0415 -- takes seconds
        from ollama import Client as OllamaClient  # noqa: PLC0415

        address = base_address(self.config)
        headers = {"Authorization": f"Bearer {self.key}"} if self.config.key_env else {}
        client = OllamaClient(
            host=address,
            timeout=self.config.timeout_seconds,
            headers=headers,
            follow_redirects=False,
            trust_env=False,  # proxies are our transport's affair
            transport=WireTransport(),
        )
        chat = Chat(
            model=self.config.id,
            base_url=address,
            temperature=self.config.settings.temperature,
            context_window=CONTEXT_TOKENS,
            json_mode=False,
            client=client,
        )
        return ChatClient(chat, client.close)

    def _call(self, request: Request) -> Answer:
        # llama-index takes options from the object alone; a copy shares the connections.
        check_context(self.config, request)
        chat = self._chat.model_copy(update={"additional_kwargs": self._options(request)})
        answer = converse(chat, self.config, request)
        check_read_whole(self.config, request, answer.input_tokens)
        return answer

    def _options(self, request: Request) -> dict[str, Any]:
        settings = self.config.settings
        options: dict[str, Any] = {"num_predict": settings.max_tokens or request.max_tokens}
        if request.seed is not None:
            options["seed"] = request.seed
        return {**options, **settings.extra}


def converse(chat: Any, config: ModelConfig, request: Request) -> Answer:
    """One chat of a llama-index Ollama. Raises RetryableError, CallRefused or ModelUnavailable."""
    from ollama import ResponseError  # noqa: PLC0415

    wanted = {"format": dict(request.schema)} if request.schema is not None else {}
    begun = time.perf_counter()
    try:
        response = chat.chat(chat_messages(request), **wanted)
        return _answer(response, time.perf_counter() - begun)
    except ResponseError as error:
        raise fault_of(error.status_code, str(error.error), {}, config) from None
    except httpx.TimeoutException:
        raise ReadTimeout(config.timeout_seconds) from None
    except httpx.RemoteProtocolError as error:
        raise transport_fault(error, config) from None
    except (ConnectionError, httpx.HTTPError, *MALFORMED) as error:
        raise RetryableError(f"no answer: {type(error).__name__}") from None


def _answer(response: Any, seconds: float) -> Answer:
    raw = response.raw
    return Answer(
        text=response.message.content or "",
        input_tokens=raw.get("prompt_eval_count") or 0,
        output_tokens=raw.get("eval_count") or 0,
        seconds=seconds,
        finish_reason=normalize_finish(raw.get("done_reason")),
        answered_by=raw.get("model") or "",
    )
