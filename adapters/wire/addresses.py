"""Where the vendors are, and where at an address each dialect is spoken."""

from adapters.wire.dialects import DialectName
from prompt_lab.config.models import ModelConfig, Provider

ADDRESSES: dict[Provider, str] = {
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434",
}
OWN_DIALECT: dict[Provider, DialectName] = {"anthropic": "messages", "ollama": "ollama"}
"""What a provider is spoken to by; every other one by chat completions."""
ANTHROPIC_VERSION = "2023-06-01"


def endpoint_url(base: str, config: ModelConfig, path: str) -> str:
    """Where a dialect is spoken. Anthropic's and Ollama's base URLs have no version in them."""
    base, _, query = base.partition("?")
    base = base.rstrip("/")
    if path.startswith("/api/") or config.provider in ("anthropic", "ollama"):
        url = base.removesuffix("/v1") + path
    else:
        url = base + path.removeprefix("/v1")
    return f"{url}?{query}" if query else url


def key_header(config: ModelConfig, dialect: DialectName, key: str) -> dict[str, str]:
    """The header that holds the key, as the provider wants it."""
    if config.provider == "anthropic" and dialect == "messages":
        return {"x-api-key": key}
    return {"Authorization": f"Bearer {key}"}
