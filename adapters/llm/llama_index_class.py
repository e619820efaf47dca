"""A model as a profile describes it: a llama-index class by its name, with its own arguments."""

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from pydantic import ValidationError

from adapters.llm import class_calls
from adapters.llm.base import hide_key
from adapters.llm.chat import ChatClient, ChatLlm
from adapters.wire.retry import RetryableError
from prompt_lab.config.arguments import resolved, unset
from prompt_lab.errors import ModelUnavailable, TransientError
from prompt_lab.ports import Answer, Request


class ClassEntry(NamedTuple):
    """Where a class is found, which package brings it, and how it is bound, asked and closed."""

    place: str
    package: str
    bind: Callable[[Any], None]
    call: class_calls.Call
    close: Callable[[Any], None]


def _integration(name: str) -> str:
    return f"llama-index-llms-{name}"


CLASSES = {
    "OpenAI": ClassEntry(
        "llama_index.llms.openai:OpenAI",
        _integration("openai"),
        class_calls.bind_openai,
        class_calls.openai,
        class_calls.close_openai,
    ),
    "OpenAILike": ClassEntry(
        "llama_index.llms.openai_like:OpenAILike",
        _integration("openai-like"),
        class_calls.bind_openai,
        class_calls.openai,
        class_calls.close_openai,
    ),
    "OpenRouter": ClassEntry(
        "llama_index.llms.openrouter:OpenRouter",
        _integration("openrouter"),
        class_calls.bind_openai,
        class_calls.openai,
        class_calls.close_openai,
    ),
    "LMStudio": ClassEntry(
        "llama_index.llms.lmstudio:LMStudio",
        _integration("lmstudio"),
        class_calls.bind_nothing,
        class_calls.lmstudio,
        class_calls.close_nothing,
    ),
    "Anthropic": ClassEntry(
        "llama_index.llms.anthropic:Anthropic",
        _integration("anthropic"),
        class_calls.bind_anthropic,
        class_calls.anthropic,
        class_calls.close_anthropic,
    ),
    "Ollama": ClassEntry(
        "llama_index.llms.ollama:Ollama",
        _integration("ollama"),
        class_calls.bind_ollama,
        class_calls.ollama,
        class_calls.close_ollama,
    ),
}
"""The only classes that a profile can name: a file of data must not import what it likes."""
_NO_KEY = {"OpenAILike"}
"""Classes that would send OpenAI's key to any server where no key is given."""


class LlamaIndexClass(ChatLlm):
    """`settings.extra` holds `class` and `arguments`, which go to the class as they are.

    A null `temperature` is left out of the requests. A class that retries by itself (its
    `max_retries`) is not asked again by us.
    """

    @property
    def client_reads_environment(self) -> bool:
        """Anthropic's class makes clients of its own before it is given ours."""
        return self._class == "Anthropic"

    def find_missing(self) -> str | None:
        """An unknown class, one that is not installed, a variable that is not set; or None."""
        known = CLASSES.get(self._class)
        if known is None:
            names = ", ".join(sorted(CLASSES))
            return f"class {self._class!r} is not known; use one of {names}"
        if find_spec(known.place.partition(":")[0]) is None:
            return f"class {self._class!r} is not installed: run `uv pip install {known.package}`"
        missing = unset(self._arguments, os.environ)
        if missing:
            return f"not set, though its arguments name them: {', '.join(missing)}"
        if self._class in _NO_KEY and not self._arguments.get("api_base"):
            # llama-index would turn to OpenAI itself.
            return "it has no base URL: add 'api_base' to its arguments"
        return super().find_missing()

    @property
    def _class(self) -> str:
        return str(self.config.settings.extra.get("class", ""))

    @property
    def _arguments(self) -> dict[str, Any]:
        given = self.config.settings.extra.get("arguments")
        return dict(given) if isinstance(given, dict) else {}

    def _connect(self) -> ChatClient:
        if why := self.find_missing():
            raise ModelUnavailable(f"{self.config.alias}: {why}")
        known = CLASSES[self._class]
        try:
            chat = _class_at(known.place)(**self._constructor_arguments())
            known.bind(chat)
            class_calls.warm(chat)
        except (TypeError, ValueError, AttributeError) as error:
            text = hide_key(_refusal(error), self.config)[:300]
            raise ModelUnavailable(
                f"{self.config.alias}: class {self._class!r} refuses its arguments: {text}"
            ) from None
        return ChatClient(chat, lambda: known.close(chat))

    def _constructor_arguments(self) -> dict[str, Any]:
        given = resolved(self._arguments, os.environ)
        if self._class in _NO_KEY:
            given.setdefault("api_key", "none")
        return {k: v for k, v in given.items() if k != "temperature" or v is not None}

    def _call(self, request: Request) -> Answer:
        chat = self._chat
        try:
            return CLASSES[self._class].call(chat, self.config, request, self._arguments)
        except RetryableError as busy:
            if getattr(chat, "max_retries", 0):
                raise TransientError(f"{self.config.alias} did not answer: {busy}") from None
            raise


def _refusal(error: Exception) -> str:
    """Why a class was not made, in a line: pydantic's own words take several, with an address.

    What was given is left out: it may be a key.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, f['loc'])) or 'arguments'}: {f['msg'].removeprefix('Value error, ')}"
        for f in faults
    )


def _class_at(place: str) -> Any:
    module, _, name = place.partition(":")
    if name == "Anthropic":
        from adapters.llm.anthropic import chat_class  # noqa: PLC0415

        return chat_class()
    return getattr(import_module(module), name)
