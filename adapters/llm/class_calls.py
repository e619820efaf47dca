"""How each llama-index class is asked once, and closed: what it gets beside its arguments.

What a class was made with decides: the request's own limit of tokens is sent only where its
arguments hold none.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from adapters.llm.base import MALFORMED, fault_of, hide_key
from adapters.llm.chat import chat_messages
from adapters.llm.response_format import response_format
from adapters.llm.wire_requests import TOOL, answer_tool
from adapters.wire.dialects.base import normalize_finish
from adapters.wire.retry import ReadTimeout, RetryableError
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Answer, Request

Call = Callable[[Any, ModelConfig, Request, Mapping[str, Any]], Answer]
"""(object, config, request, arguments) -> answer.

Raises RetryableError, CallRefused or ModelUnavailable.
"""


def openai(
    chat: Any, config: ModelConfig, request: Request, arguments: Mapping[str, Any]
) -> Answer:
    """A class on OpenAI's client. Its `additional_kwargs` win over all that is sent here."""
    from openai import omit  # noqa: PLC0415 -- takes a second

    from adapters.llm.openai_like import converse  # noqa: PLC0415

    sent = _limit(request, arguments, "max_tokens") | _temperature(arguments, omit)
    if request.seed is not None:
        sent["seed"] = request.seed
    if request.schema is not None:
        sent["response_format"] = response_format(request.schema)
    return converse(chat, config, request, sent)


def anthropic(
    chat: Any, config: ModelConfig, request: Request, arguments: Mapping[str, Any]
) -> Answer:
    """Anthropic, with a tool for a schema; a model that thinks may not be forced to call it."""
    from anthropic import omit  # noqa: PLC0415

    from adapters.llm.anthropic import converse  # noqa: PLC0415

    sent = _limit(request, arguments, "max_tokens") | _temperature(arguments, omit)
    if request.schema is not None:
        thinking = arguments.get("thinking_dict")
        thinks = isinstance(thinking, Mapping) and thinking.get("type") == "enabled"
        sent["tools"] = [answer_tool(request.schema)]
        sent["tool_choice"] = {"type": "auto"} if thinks else {"type": "tool", "name": TOOL}
    return converse(chat, config, request, sent)


def ollama(
    chat: Any, config: ModelConfig, request: Request, arguments: Mapping[str, Any]
) -> Answer:
    """Ollama takes options from the object alone; a copy of it shares the connections."""
    from adapters.llm.ollama import converse  # noqa: PLC0415

    options = _limit(request, arguments.get("additional_kwargs") or {}, "num_predict")
    if request.seed is not None:
        options["seed"] = request.seed
    update = {"additional_kwargs": {**options, **chat.additional_kwargs}}
    return converse(chat.model_copy(update=update), config, request)


def lmstudio(
    chat: Any, config: ModelConfig, request: Request, _arguments: Mapping[str, Any]
) -> Answer:
    """LM Studio, whose class makes its own HTTP calls."""
    sent: dict[str, Any] = {"max_tokens": request.max_tokens}
    if request.seed is not None:
        sent["seed"] = request.seed
    if request.schema is not None:
        sent["response_format"] = response_format(request.schema)
    begun = time.perf_counter()
    try:
        raw = chat.chat(chat_messages(request), **sent).raw
        return _plain_answer(raw, time.perf_counter() - begun)
    except httpx.HTTPStatusError as error:
        response = error.response
        raise fault_of(response.status_code, response.text, response.headers, config) from None
    except httpx.TimeoutException:
        raise ReadTimeout(config.timeout_seconds) from None
    except httpx.HTTPError as error:
        raise RetryableError(f"no connection: {type(error).__name__}") from None
    except MALFORMED as error:
        raise RetryableError(
            f"an answer without content: {hide_key(str(error), config)[:300]}"
        ) from None


def warm(chat: Any) -> None:
    """Fail now on what would fail at the first call, and import what it would import.

    Raises ValueError for a model that an OpenAI class has no table entry for.
    """
    if hasattr(chat, "_get_client"):
        _ = chat.metadata
        _ = chat._get_client().chat.completions


def close_openai(chat: Any) -> None:
    """Close its connections."""
    chat._get_client().close()


def close_anthropic(chat: Any) -> None:
    """Close its connections."""
    chat._client.close()


def close_ollama(chat: Any) -> None:
    """Close its connections."""
    chat.client.close()


def close_nothing(_chat: Any) -> None:
    """It opens a connection for each call."""


def _limit(request: Request, arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {} if arguments.get(name) is not None else {name: request.max_tokens}


def _temperature(arguments: Mapping[str, Any], omit: object) -> dict[str, Any]:
    """A null temperature, which no class takes, is left out of the request."""
    absent = "temperature" in arguments and arguments["temperature"] is None
    return {"temperature": omit} if absent else {}


def _plain_answer(raw: Mapping[str, Any], seconds: float) -> Answer:
    choice, usage = raw["choices"][0], raw.get("usage") or {}
    return Answer(
        text=choice["message"].get("content") or "",
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        seconds=seconds,
        finish_reason=normalize_finish(choice.get("finish_reason")),
        answered_by=raw.get("model") or "",
    )
