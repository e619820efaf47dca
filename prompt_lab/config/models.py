"""configs/models/<alias>.yaml: one model under one setting."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from prompt_lab.config.arguments import variable
from prompt_lab.config.base import Config, address

Provider = Literal[
    "embedded",
    "openai",
    "anthropic",
    "ollama",
    "openrouter",
    "openai_like",
    "llama_index",
    "scripted",
]

RETRIES = 4
"""Of a call, where a model's config does not say it."""


class TokenPrice(Config):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    source: str = Field(default="", description="where and when the price was read")

    @property
    def is_free(self) -> bool:
        """Whether no call costs anything."""
        return not self.input and not self.output


class CallSettings(Config):
    """What is sent with every call, and so is part of what identifies a run."""

    temperature: float | None = Field(default=0.0, description="None leaves the key out")
    max_tokens: int | None = Field(default=None, ge=1, description="overrides the step's own limit")
    seeded: bool = Field(
        default=False, description="send a seed that plan and replicate decide, on both sides alike"
    )
    extra: dict[str, object] = Field(
        default={}, description="further keys of the request, as they are"
    )


class ModelConfig(Config):
    """One alias: a model id with settings. The alias is the file's name."""

    alias: str
    short: str = Field(default="", description="what --models accepts besides the alias")
    provider: Provider
    id: str = Field(description="the provider's own name for the model")
    base_url: str = Field(default="", description="overrides the provider's own address")
    key_env: str = Field(default="", description="environment variable that holds the key")
    settings: CallSettings = CallSettings()
    deterministic: bool = Field(description="equal requests give equal answers, whenever asked")
    workers: int = Field(default=1, ge=1, description="calls at the same time")
    timeout_seconds: float = Field(default=120.0, gt=0, description="limit of one call")
    retries: int = Field(
        default=RETRIES, ge=0, le=20, description="how often a failed call is made again, at most"
    )
    client: Literal["wire", "sdk"] = Field(
        default="wire",
        description="what runs are made with: our own lean client, or the vendor's SDK",
    )
    price: TokenPrice | None = None
    status: Literal["active", "removed"] = "active"
    reason: str = Field(default="", description="why a removed model was removed")

    @field_validator("base_url")
    @classmethod
    def _check_reachable(cls, value: str) -> str:
        # A profile's "${NAME}" that is not set is said before a call, with its name.
        return value if variable(value) else address(value)

    @model_validator(mode="after")
    def _reason_given(self) -> "ModelConfig":
        if self.status == "removed" and not self.reason:
            raise ValueError("a removed model must say why: add 'reason:'")
        return self

    @property
    def is_free(self) -> bool:
        """Whether it is known to cost nothing: by its price, or because it runs in our process."""
        if self.price is not None:
            return self.price.is_free
        return self.provider in ("embedded", "scripted")

    @property
    def has_price(self) -> bool:
        """Whether what a call costs is known."""
        return self.price is not None or self.is_free

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for one call; 0 where no price is configured."""
        if self.price is None:
            return 0.0
        return (input_tokens * self.price.input + output_tokens * self.price.output) / 1e6
