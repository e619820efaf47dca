"""How each llama-index class is asked once, and closed: what it gets beside its arguments.

What a class was made with decides: the request's own limit of tokens is sent only where its
arguments hold none.
"""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.llm.chat import chat_messages
from adapters.llm.response_format import response_format
from adapters.llm.sdk_transport import WireTransport, make_http_client
from adapters.llm.wire import send_request
from adapters.llm.wire_requests import TOOL, answer_tool
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
    """LM Studio, whose class makes HTTP calls without a bound: its request is sent by ours."""
    sent: dict[str, Any] = {"max_tokens": request.max_tokens}
    if request.seed is not None:
        sent["seed"] = request.seed
    if request.schema is not None:
        sent["response_format"] = response_format(request.schema)
    sent = chat._create_payload_from_messages(chat_messages(request), **sent)
    limited = config.model_copy(update={"timeout_seconds": chat.request_timeout})
    return send_request(limited, "chat", f"{chat.base_url}/chat/completions", {}, sent)


def bind_openai(chat: Any) -> None:
    """Have it call by our own connections, whose answers are bounded. Before its first call."""
    chat._http_client = make_http_client()


def bind_anthropic(chat: Any) -> None:
    """The same; llama-index takes no client of ours."""
    chat._client = chat._client.with_options(http_client=make_http_client())


def bind_ollama(chat: Any) -> None:
    """The same."""
    from ollama import Client as OllamaClient  # noqa: PLC0415 -- takes long

    chat._client = OllamaClient(
        host=chat.base_url,
        timeout=chat.request_timeout,
        headers=chat.headers or {},
        follow_redirects=False,
        trust_env=False,
        transport=WireTransport(),
    )


def bind_nothing(_chat: Any) -> None:
    """What it sends goes by our own connections."""


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
