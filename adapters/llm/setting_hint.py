"""What to change in a model's file when its server refuses a setting of the request."""

import re
from collections.abc import Mapping

from prompt_lab.config.models import ModelConfig

_ADVICE: Mapping[str, str] = {
    "temperature": "'temperature' in its settings: null leaves it out of the request",
    "seed": "'seeded' in its settings: false sends no seed",
}
_LIMITS = ("max_completion_tokens", "max_tokens")
_SCHEMA = ("response_format", "json_schema", "tool_choice", "input_schema")
_UNKNOWN = ("unknown", "unrecognized", "unsupported", "unexpected", "extra", "extra_forbidden")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def setting_hint(message: str, config: ModelConfig) -> str:
    """The key of the model's file to change, by the keys that a refusal names; '' if it names none.

    >>> from prompt_lab.config.models import ModelConfig
    >>> model = ModelConfig(alias="m", provider="openai_like", id="o1", deterministic=False)
    >>> setting_hint("Use 'max_completion_tokens' instead of 'max_tokens'.", model)
    "change 'provider' to openai, which sends max_completion_tokens, and keep its base_url"
    """
    words = set(_WORD.findall(message))
    for key in config.settings.extra:
        if key in words:
            return f"change or remove {key!r} in 'extra' of its settings"
    if words & set(_LIMITS):
        return _limit_hint(words, config)
    for key, advice in _ADVICE.items():
        if key in words:
            return f"change {advice}"
    if words & set(_SCHEMA):
        return "change 'id': the model takes no JSON schema; or leave 'schema_path' out of the step"
    return ""


def _limit_hint(words: set[str], config: ModelConfig) -> str:
    """The servers disagree about the name of the limit, or the limit itself is too high."""
    wants_new = "max_completion_tokens" in words
    if config.provider in ("openai_like", "openrouter") and wants_new:
        return (
            "change 'provider' to openai, which sends max_completion_tokens, and keep its base_url"
        )
    both = wants_new and "max_tokens" in words
    if config.provider == "openai" and (both or _is_unknown(words)):
        return "change 'provider' to openai_like, which sends max_tokens, and keep its base_url"
    return "change 'max_tokens' in its settings, or in the step's file: it is beyond the limit"


def _is_unknown(words: set[str]) -> bool:
    """Whether a refusal is about the name of a key, by the words that servers use for that."""
    said = {word.lower() for word in words}
    return not said.isdisjoint(_UNKNOWN)
