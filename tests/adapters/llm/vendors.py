"""Stand-ins that speak the wire formats of the vendors, and the config that leads to each."""

import json
import os
from dataclasses import dataclass, replace
from typing import Any

from prompt_lab.config.models import CallSettings, ModelConfig
from prompt_lab.config.profiles import model_of

KEY_ENV = "LLM_CONTRACT_KEY"
KEY = "sk-do-not-show-4711"
Body = dict[str, Any]


@dataclass(frozen=True)
class Vendor:
    """A vendor's address, and its words for an answer and for an error."""

    provider: str
    path: str
    seeded: bool = True
    kind: str = ""
    """The llama-index class, where a profile names it."""
    client: str = "sdk"
    """Which of our clients speaks to it."""

    @property
    def name(self) -> str:
        """As a test is called by."""
        return self.kind or (f"{self.provider}-wire" if self.client == "wire" else self.provider)

    @property
    def speaks(self) -> str:
        """Whose wire format it is."""
        return self.kind.lower() if self.kind in ("Anthropic", "Ollama") else self.provider

    def config(self, address: str, **more: Any) -> ModelConfig:
        """A model of this vendor behind a local address; `more` are keys of the config file."""
        settings = more.pop("settings", {"temperature": 0.0})
        if self.kind:
            return self._by_profile(address + self.base, settings, more)
        given: Body = {"alias": "m", "id": "some-model", "base_url": address + self.base} | more
        fixed: Body = {"provider": self.provider, "deterministic": False, "key_env": KEY_ENV}
        fixed["client"] = self.client
        return ModelConfig.model_validate({**fixed, "settings": CallSettings(**settings), **given})

    def _by_profile(self, address: str, settings: Body, more: Body) -> ModelConfig:
        """The same wishes as the arguments of a class."""
        workers = more.get("workers", 1)
        return model_of(
            more.get("alias", "m"),
            {
                "class": self.kind,
                "luigi_workers": workers,
                "arguments": {
                    "model": more.get("id", "some-model"),
                    **({"temperature": None} | _arguments(self, settings)),
                    **_reached(self, more.get("base_url", address)),
                    **_patience(self, more.get("timeout_seconds")),
                },
            },
            os.environ,
        )

    @property
    def key_sent(self) -> str:
        """What stands in the header that holds the key."""
        bare = self.speaks == "anthropic" or self.kind == "Ollama"
        return KEY if bare else f"Bearer {KEY}"

    @property
    def base(self) -> str:
        """What stands between the host and the vendor's own path."""
        return "" if self.speaks in ("anthropic", "ollama") else "/api/v1"

    def answer(self, text: str, cut: bool = False) -> Body:
        """The body of an answer of 5 tokens to 11; `cut` by the limit of tokens."""
        if self.speaks == "anthropic":
            return _anthropic([{"type": "text", "text": text}], "max_tokens" if cut else "end_turn")
        reason = "length" if cut else "stop"
        message = {"role": "assistant", "content": text}
        if self.speaks == "ollama":
            counts = {"prompt_eval_count": 11, "eval_count": 5}
            said = {"message": message, "done": True, "done_reason": reason}
            return {"model": "it-was-me", "created_at": "2026-01-02T03:04:05Z", **said, **counts}
        choice = {"index": 0, "finish_reason": reason, "message": message}
        usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": "it-was-me"}
        return {**head, "choices": [choice], "usage": usage}

    def json_answer(self, data: Body) -> Body:
        """The body of an answer to a request with a schema."""
        if self.speaks == "anthropic":
            call = {"type": "tool_use", "id": "t", "name": "answer", "input": data}
            return _anthropic([call], "tool_use")
        return self.answer(json.dumps(data))

    def error(self, message: str) -> Body:
        """The body of an error."""
        if self.speaks == "ollama":
            return {"error": message}
        inner = {"type": "invalid_request_error", "message": message, "code": None}
        return {"type": "error", "error": inner}


def _arguments(vendor: Vendor, settings: Body) -> Body:
    found = {k: v for k, v in settings.items() if k != "extra"}
    limit, extra = found.pop("max_tokens", None), settings.get("extra", {})
    if vendor.speaks == "ollama":
        limits = {} if limit is None else {"num_predict": limit}
        return {**found, "additional_kwargs": {**extra, **limits}}
    # OpenRouter's class has a limit of its own, 256, where its arguments hold none.
    limits = {} if limit is None and vendor.kind != "OpenRouter" else {"max_tokens": limit or 99}
    return {**found, **limits, "additional_kwargs": {"extra_body": extra} if extra else {}}


def _reached(vendor: Vendor, address: str) -> Body:
    key = f"${{{KEY_ENV}}}"
    if vendor.kind == "Ollama":
        return {"base_url": address, "headers": {"Authorization": key}, "context_window": 8192}
    if vendor.kind == "Anthropic":
        return {"base_url": address, "api_key": key, "max_retries": 0}
    return {"api_base": address, "api_key": key, "max_retries": 0, "is_chat_model": True}


def _patience(vendor: Vendor, seconds: float | None) -> Body:
    if seconds is None:
        return {}
    return {"request_timeout" if vendor.kind == "Ollama" else "timeout": seconds}


def _anthropic(content: list[Body], reason: str) -> Body:
    usage = {"input_tokens": 11, "output_tokens": 5}
    head = {"id": "x", "type": "message", "role": "assistant", "model": "it-was-me"}
    return {**head, "content": content, "stop_reason": reason, "usage": usage}


SDK_VENDORS = [
    Vendor("openai", "/api/v1/chat/completions"),
    Vendor("openrouter", "/api/v1/chat/completions"),
    Vendor("openai_like", "/api/v1/chat/completions"),
    Vendor("anthropic", "/v1/messages", seeded=False),
    Vendor("ollama", "/api/chat"),
]
WIRE_VENDORS = [replace(vendor, client="wire") for vendor in SDK_VENDORS]
VENDORS = [
    *WIRE_VENDORS,
    *SDK_VENDORS,
    Vendor("llama_index", "/api/v1/chat/completions", kind="OpenAILike"),
    Vendor("llama_index", "/api/v1/chat/completions", kind="OpenRouter"),
    Vendor("llama_index", "/v1/messages", seeded=False, kind="Anthropic"),
    Vendor("llama_index", "/api/chat", kind="Ollama"),
]


def schema_sent(sent: Body, vendor: Vendor) -> Any:
    """The schema inside the body of a request, where this vendor looks for it."""
    if vendor.speaks == "anthropic":
        assert sent["tool_choice"] == {"type": "tool", "name": sent["tools"][0]["name"]}
        return sent["tools"][0]["input_schema"]
    if vendor.speaks == "ollama":
        return sent["format"]
    assert sent["response_format"]["type"] == "json_schema"
    return sent["response_format"]["json_schema"]["schema"]


def texts_sent(sent: Body) -> dict[str, Any]:
    """role -> text of the messages in the body of a request."""
    found = {m["role"]: m["content"] for m in sent["messages"]}
    if "system" in sent:
        found["system"] = sent["system"]
    return {role: t if isinstance(t, str) else t[0]["text"] for role, t in found.items()}
