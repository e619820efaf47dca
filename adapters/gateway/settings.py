"""The settings of the gateway's process: the routes, the mode, the paths of recordings and log."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from adapters.wire.addresses import ADDRESSES
from adapters.wire.dialects import DialectName
from adapters.wire.retry import RetryPolicy
from prompt_lab.config.base import Config
from prompt_lab.config.models import ModelConfig, Provider
from prompt_lab.config.routing import GatewayRouting

Mode = Literal["live", "record", "replay"]
SPOKEN: dict[Provider, tuple[DialectName, ...]] = {
    "openai": ("chat", "responses"),
    "openrouter": ("chat", "responses", "messages"),
    "anthropic": ("messages", "chat"),
    "ollama": ("ollama", "chat"),
    "openai_like": ("chat",),
    "embedded": ("chat",),
}
"""What a provider speaks by itself; every other dialect is turned into chat completions."""


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
    routing: GatewayRouting | None = Field(
        default=None, description="where the lab's routing table is; None: nothing is routed"
    )
    secret: str = Field(description="secret of the owner, to issue tokens and read calls")

    @model_validator(mode="after")
    def _recordings_given(self) -> "GatewaySettings":
        if self.mode != "live" and self.recordings is None:
            raise ValueError(f"mode {self.mode!r} needs the folder of the recordings")
        return self
