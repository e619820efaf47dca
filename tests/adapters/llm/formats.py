"""The three wire formats as a faulty server speaks them: good answers, and odd ones of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.wire.dialects import DialectName
from prompt_lab.config.models import ModelConfig, Provider

Body = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """One vendor's format. `finishes` is what the server says -> what a caller must get."""

    name: DialectName
    provider: Provider
    tokens: tuple[str, str]
    finishes: Mapping[str, str]
    not_answers: Mapping[str, object]

    def answer(self, text: str, finish: object = None, **more: Any) -> Body:
        """An answer of 3 tokens to 9; `more` are keys at its top."""
        usage: Body = dict(zip(self.tokens, (9, 3), strict=True))
        if self.name == "ollama":
            head: Body = {"model": "stand-in", "created_at": "2026-01-02T03:04:05Z"}
            message = {"role": "assistant", "content": text}
            end = {"done": True, "done_reason": finish or "stop"}
            return {**head, "message": message, **end, **usage, **more}
        if self.name == "messages":
            head = {"id": "x", "type": "message", "role": "assistant", "model": "stand-in"}
            content = [{"type": "text", "text": text}]
            end = {"stop_reason": finish or "end_turn", "stop_sequence": None}
            return {**head, "content": content, **end, "usage": usage, **more}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": "stand-in"}
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": finish or "stop", "message": message}
        return {**head, "choices": [choice], "usage": {**usage, "total_tokens": 12}, **more}

    def good(self) -> bytes:
        """A plain answer, as it is sent."""
        return json.dumps(self.answer("yes")).encode()

    def with_tokens(self, said: str) -> bytes:
        """An answer whose number of input tokens is written so."""
        name = self.tokens[0]
        return self.good().replace(f'"{name}": 9'.encode(), f'"{name}": {said}'.encode())

    def without_tokens(self) -> Body:
        """An answer that counts nothing."""
        if self.name == "ollama":
            return {k: v for k, v in self.answer("yes").items() if k not in self.tokens}
        usage = None if self.name == "chat" else {"input_tokens": 0, "output_tokens": 0}
        return self.answer("yes", usage=usage)

    def odd_answers(self) -> dict[str, Body]:
        """Whole answers in forms that a server may choose."""
        if self.name == "ollama":
            message = {"role": "assistant", "thinking": "Hm.", "content": "yes"}
            return {"with thoughts": self.answer("", message=message)}
        if self.name == "messages":
            thought = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
            two = [{"type": "text", "text": text} for text in ("ye", "s")]
            cached = {"cache_creation_input_tokens": 7, "cache_read_input_tokens": 5}
            usage = {"input_tokens": 9, "output_tokens": 3, **cached}
            called = {"type": "tool_use", "id": "t", "name": "answer", "input": {"a": "€"}}
            return {
                "with thoughts": self.answer("", content=[thought, *two[:1]]),
                "in two texts": self.answer("", content=two),
                "a tool's input": self.answer("", "tool_use", content=[called]),
                "tokens of a cache": self.answer("yes", usage=usage),
            }
        unknown: Body = {"service_tier": "default", "system_fingerprint": None, "unheard_of": [1]}
        return {"with unknown keys": self.answer("yes", **unknown)}

    def request(self) -> Body:
        """What a client of this format asks."""
        return {
            "model": "any",
            "max_tokens": 9,
            "stream": False,
            "messages": [{"role": "user", "content": "Pay 12.50 EUR."}],
        }

    def config(self, address: str, **more: Any) -> ModelConfig:
        """A model that is spoken to in this format, at a local address."""
        base = f"{address}/v1" if self.name == "chat" else address
        return ModelConfig.model_validate(
            {
                "alias": "m",
                "provider": self.provider,
                "id": "x",
                "base_url": base,
                "deterministic": True,
                **more,
            }
        )


_COMMON = {"tired": "tired"}
CHAT = Format(
    "chat",
    "openai_like",
    ("prompt_tokens", "completion_tokens"),
    {"length": "length", "content_filter": "content_filter", **_COMMON},
    {
        "choices that are null": {"choices": None},
        "no choices": {"choices": []},
        "choices that are texts": {"choices": ["yes"]},
        "choices that are an object": {"choices": {"0": 1}},
    },
)
MESSAGES = Format(
    "messages",
    "anthropic",
    ("input_tokens", "output_tokens"),
    {"max_tokens": "length", "refusal": "refusal", "model_context_window_exceeded": "length"},
    {
        "content that is null": {"content": None},
        "content that is a text": {"content": "yes"},
        "content that is an object": {"content": {"text": "yes"}},
    },
)
OLLAMA = Format(
    "ollama",
    "ollama",
    ("prompt_eval_count", "eval_count"),
    {"length": "length", **_COMMON},
    {
        "a message that is null": {"model": "m", "message": None, "done": True},
        "a message that is a text": {"model": "m", "message": "yes", "done": True},
        "a message that is a list": {"model": "m", "message": [], "done": True},
    },
)
FORMATS = (CHAT, MESSAGES, OLLAMA)
