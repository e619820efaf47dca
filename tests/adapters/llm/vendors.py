"""Stand-ins that speak the wire formats of the vendors, and the config that leads to each."""

import json
from dataclasses import dataclass
from typing import Any

from prompt_lab.config.models import ModelConfig, Settings

KEY_ENV = "LLM_CONTRACT_KEY"
KEY = "sk-do-not-show-4711"
Body = dict[str, Any]


@dataclass(frozen=True)
class Vendor:
    """A vendor's address, and its words for an answer and for an error."""

    provider: str
    path: str
    seeded: bool = True

    def config(self, address: str, **more: Any) -> ModelConfig:
        """A model of this vendor behind a local address; `more` are keys of the config file."""
        settings = more.pop("settings", {"temperature": 0.0})
        given: Body = {"alias": "m", "id": "some-model", "base_url": address + self.base} | more
        fixed: Body = {"provider": self.provider, "deterministic": False, "key_env": KEY_ENV}
        return ModelConfig.model_validate({**fixed, "settings": Settings(**settings), **given})

    @property
    def base(self) -> str:
        """What stands between the host and the vendor's own path."""
        return "" if self.provider in ("anthropic", "ollama") else "/api/v1"

    def answer(self, text: str, cut: bool = False) -> Body:
        """The body of an answer of 5 tokens to 11; `cut` by the limit of tokens."""
        if self.provider == "anthropic":
            return _anthropic([{"type": "text", "text": text}], "max_tokens" if cut else "end_turn")
        reason = "length" if cut else "stop"
        message = {"role": "assistant", "content": text}
        if self.provider == "ollama":
            counts = {"prompt_eval_count": 11, "eval_count": 5}
            said = {"message": message, "done": True, "done_reason": reason}
            return {"model": "it-was-me", "created_at": "2026-01-02T03:04:05Z", **said, **counts}
        choice = {"index": 0, "finish_reason": reason, "message": message}
        usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": "it-was-me"}
        return {**head, "choices": [choice], "usage": usage}

    def json_answer(self, data: Body) -> Body:
        """The body of an answer to a request with a schema."""
        if self.provider == "anthropic":
            call = {"type": "tool_use", "id": "t", "name": "answer", "input": data}
            return _anthropic([call], "tool_use")
        return self.answer(json.dumps(data))

    def error(self, message: str) -> Body:
        """The body of an error."""
        if self.provider == "ollama":
            return {"error": message}
        inner = {"type": "invalid_request_error", "message": message, "code": None}
        return {"type": "error", "error": inner}


def _anthropic(content: list[Body], reason: str) -> Body:
    usage = {"input_tokens": 11, "output_tokens": 5}
    head = {"id": "x", "type": "message", "role": "assistant", "model": "it-was-me"}
    return {**head, "content": content, "stop_reason": reason, "usage": usage}


VENDORS = [
    Vendor("openai", "/api/v1/chat/completions"),
    Vendor("openrouter", "/api/v1/chat/completions"),
    Vendor("openai_like", "/api/v1/chat/completions"),
    Vendor("anthropic", "/v1/messages", seeded=False),
    Vendor("ollama", "/api/chat"),
]


def schema_sent(sent: Body, vendor: Vendor) -> Any:
    """The schema inside the body of a request, where this vendor looks for it."""
    if vendor.provider == "anthropic":
        assert sent["tool_choice"] == {"type": "tool", "name": sent["tools"][0]["name"]}
        return sent["tools"][0]["input_schema"]
    if vendor.provider == "ollama":
        return sent["format"]
    assert sent["response_format"]["type"] == "json_schema"
    return sent["response_format"]["json_schema"]["schema"]


def texts_sent(sent: Body) -> dict[str, Any]:
    """role -> text of the messages in the body of a request."""
    found = {m["role"]: m["content"] for m in sent["messages"]}
    if "system" in sent:
        found["system"] = sent["system"]
    return {role: t if isinstance(t, str) else t[0]["text"] for role, t in found.items()}
