"""The settings of the gateway's process: the routes, the mode, the paths of recordings and log."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from prompt_lab.config.base import Config
from prompt_lab.config.models import ModelConfig, Provider

Mode = Literal["live", "record", "replay"]
DialectName = Literal["chat", "responses", "messages", "ollama"]

ADDRESSES: dict[Provider, str] = {
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434",
}
SPOKEN: dict[Provider, tuple[DialectName, ...]] = {
    "openai": ("chat", "responses"),
    "openrouter": ("chat", "responses", "messages"),
    "anthropic": ("messages", "chat"),
    "ollama": ("ollama", "chat"),
    "openai_like": ("chat",),
    "embedded": ("chat",),
}
"""What a provider speaks by itself; every other dialect is turned into chat completions."""


class RetryPolicy(Config):
    """How often and how long a call is tried again. Seconds."""

    attempts: int = Field(default=5, ge=1)
    timeouts: int = Field(
        default=2, ge=1, description="attempts that may time out without an answer"
    )
    first_pause: float = Field(default=0.5, ge=0, description="doubled at every further retry")
    longest_pause: float = Field(
        default=60.0, ge=0, description="a longer Retry-After is not waited for"
    )

    def grants(self, asked: float | None) -> bool:
        """Whether the wait that a server asks for is given, or the next model asked at once."""
        return asked is None or asked <= self.longest_pause

    def pause(self, retry: int, asked: float | None) -> float:
        """Seconds before the n-th retry: what the server asked for, else 0.5, 1, 2, 4 …; bounded.

        >>> p = RetryPolicy()
        >>> [p.pause(n, None) for n in (1, 2, 3)], p.pause(1, 7.0), p.pause(1, 900.0)
        ([0.5, 1.0, 2.0], 7.0, 60.0)
        """
        wanted = self.first_pause * 2 ** (retry - 1) if asked is None else asked
        return min(self.longest_pause, wanted)


class Route(Config):
    """One model behind the gateway, and where it is reached."""

    config: ModelConfig
    addresses: tuple[str, ...] = Field(
        default=(),
        description="base URLs instead of the config's own; each call uses the least busy one",
    )
    dialects: tuple[DialectName, ...] = Field(
        default=(), description="what the server speaks, where it is not what its provider does"
    )
    per_minute: float | None = Field(default=None, gt=0, description="calls begun a minute at most")
    extra: dict[str, object] = Field(
        default={}, description="keys that are added if the request omits them"
    )
    patience: RetryPolicy = RetryPolicy()

    @model_validator(mode="after")
    def _check_reachable(self) -> "Route":
        if not self.bases:
            raise ValueError(
                f"model {self.config.alias!r} has no base URL: add 'base_url:' to its file, or "
                "give its route an address"
            )
        return self

    @property
    def bases(self) -> tuple[str, ...]:
        """The base URLs, as the provider's own clients take them."""
        own = self.config.base_url or ADDRESSES.get(self.config.provider, "")
        return self.addresses or ((own,) if own else ())

    @property
    def spoken(self) -> tuple[DialectName, ...]:
        """The dialects that need no translation."""
        return self.dialects or SPOKEN.get(self.config.provider, ("chat",))


class RecordingsAt(Config):
    """A folder of recordings, by request or by (model, plan, side, call number)."""

    path: Path
    by: Literal["request", "call"] = "request"


class GatewaySettings(Config):
    """All settings of the process, as one line of JSON. It holds no key."""

    routes: tuple[Route, ...]
    mode: Mode = "live"
    recordings: RecordingsAt | None = None
    log: Path | None = Field(default=None, description="JSONL, one row for each call")
    secret: str = Field(description="secret of the owner, to issue tokens and read calls")

    @model_validator(mode="after")
    def _recordings_given(self) -> "GatewaySettings":
        if self.mode != "live" and self.recordings is None:
            raise ValueError(f"mode {self.mode!r} needs the folder of the recordings")
        return self
