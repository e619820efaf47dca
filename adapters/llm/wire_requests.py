"""A request as each vendor's server takes it: the body of one call, made of config and texts."""

from collections.abc import Mapping
from typing import Any

from adapters.llm.response_format import response_format
from adapters.wire.addresses import ADDRESSES
from adapters.wire.context import cannot_fit, fewest_tokens, was_cut
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import InputTruncated
from prompt_lab.ports import Request
from prompt_lab.ports.llm import Conversation

Body = dict[str, Any]
TOOL = "answer"
CONTEXT_TOKENS = 8192
"""Where `settings.extra` has no num_ctx; without one Ollama is asked for all that it can do."""


def base_address(config: ModelConfig) -> str:
    """The base URL of a model, '' where its provider has none of its own."""
    return config.base_url or ADDRESSES.get(config.provider, "")


def check_context(config: ModelConfig, request: Request) -> None:
    """Raises InputTruncated for a request that cannot fit: Ollama cuts its front, and says 200."""
    context, text = _context_of(config), _text_of(request)
    if cannot_fit(text, context):
        raise InputTruncated(
            f"{config.alias}: the request has {fewest_tokens(text):,} tokens or more, and the "
            f"context {context:,} tokens: raise num_ctx in settings.extra, or shorten the input"
        )


def check_read_whole(config: ModelConfig, request: Request, read_tokens: int) -> None:
    """Raises InputTruncated where the server's own count shows that it has cut the request."""
    context, text = _context_of(config), _text_of(request)
    if was_cut(text, context, read_tokens):
        raise InputTruncated(
            f"{config.alias}: its server read {read_tokens:,} tokens of a request of at least "
            f"{fewest_tokens(text):,}, so it has cut the front: raise num_ctx (now {context:,}) in "
            "settings.extra"
        )


def _context_of(config: ModelConfig) -> int:
    wanted = config.settings.extra.get("num_ctx")
    return wanted if isinstance(wanted, int) and wanted > 0 else CONTEXT_TOKENS


def _text_of(request: Request) -> str:
    return f"{request.system} {request.user}"


def no_address(config: ModelConfig) -> str | None:
    """Why a model cannot be reached, or None."""
    return None if base_address(config) else "it has no base URL: add 'base_url:' to its file"


def limit_key(config: ModelConfig) -> str:
    """What chat completions call the limit of tokens at this provider."""
    return "max_completion_tokens" if config.provider == "openai" else "max_tokens"


def chat_body(config: ModelConfig, request: Request) -> Body:
    """For chat completions. `settings.extra` wins over all other keys."""
    settings = config.settings
    body: Body = {
        "model": config.id,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user},
        ],
        limit_key(config): settings.max_tokens or request.max_tokens,
    }
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.schema is not None:
        body["response_format"] = response_format(request.schema)
    return {**body, **settings.extra}


def conversation_body(config: ModelConfig, request: Conversation) -> Body:
    """The same with the messages that are given; no limit and no temperature of our own."""
    settings = config.settings
    body: Body = {"model": config.id, "messages": list(request.messages)}
    if settings.max_tokens is not None:
        body[limit_key(config)] = settings.max_tokens
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    return {**body, **settings.extra, **request.extra}


def messages_body(config: ModelConfig, request: Request) -> Body:
    """For Anthropic's messages. JSON under a schema is the input of a tool that must be called.

    Anthropic knows no seed: a request's seed is not sent.
    """
    settings = config.settings
    body: Body = {
        "model": config.id,
        "system": request.system,
        "messages": [{"role": "user", "content": request.user}],
        "max_tokens": settings.max_tokens or request.max_tokens,
    }
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if request.schema is not None:
        body["tools"] = [answer_tool(request.schema)]
        body["tool_choice"] = {"type": "tool", "name": TOOL}
    return {**body, **settings.extra}


def answer_tool(schema: Mapping[str, Any]) -> Body:
    """The tool whose input is the answer."""
    return {"name": TOOL, "description": "Give the answer.", "input_schema": dict(schema)}


def ollama_body(config: ModelConfig, request: Request) -> Body:
    """For Ollama's chat. `settings.extra` are its options; JSON comes by `format`."""
    settings = config.settings
    options: Body = {
        "num_ctx": CONTEXT_TOKENS,
        "num_predict": settings.max_tokens or request.max_tokens,
    }
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    if request.seed is not None:
        options["seed"] = request.seed
    body: Body = {
        "model": config.id,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user},
        ],
        "stream": False,
        "options": {**options, **settings.extra},
    }
    if request.schema is not None:
        body["format"] = dict(request.schema)
    return body
