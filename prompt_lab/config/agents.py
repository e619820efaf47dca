"""configs/agents/<name>.yaml: one coding agent or analyst, and all that it may do."""

from math import isfinite
from typing import Literal

from pydantic import Field, field_validator, model_validator

from prompt_lab.config.base import Config, address
from prompt_lab.config.models import TokenPrice

AgentKind = Literal["claude_code", "codex", "api", "scripted"]


class Act(Config):
    """What a scripted agent does when its prompt holds `when`."""

    when: str = ""
    says: str = ""
    files: dict[str, str] = Field(default={}, description="path -> text that it writes")
    deletes: tuple[str, ...] = ()
    fails: str = Field(default="", description="why it ends without having done its work")
    cost_usd: float = 0.0


class AgentConfig(Config):
    """One agent. Its edits are held to the budget here, whatever it was asked and says."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="part of file names")
    kind: AgentKind = Field(description="an agent's name in pipeline/wiring.py")
    model: str = Field(
        default="", description="the vendor's model id; for kind api an alias of configs/models"
    )
    command: tuple[str, ...] = Field(
        default=(), description="how it is started; default: 'claude' or 'codex' on the PATH"
    )
    base_url: str = Field(default="", description="where its model is; default: its vendor")
    key_env: str = Field(
        default="", description="environment variable with the one key that it is given"
    )
    environment: tuple[str, ...] = Field(
        default=(), description="names of further variables of ours that are passed on"
    )
    reach: tuple[str, ...] = Field(
        default=(), description="host:port beside its model that it can reach; nothing else"
    )
    visible: tuple[str, ...] = Field(
        default=(), description="further folders that it can read, where its command needs them"
    )
    paths: tuple[str, ...] = Field(
        default=(), description="files, folders or patterns that it may change; none: nothing"
    )
    protected: tuple[str, ...] = Field(default=(), description="never changed, whatever paths say")
    file_types: tuple[str, ...] = Field(default=(), description="suffixes: .txt; none: any")
    max_files: int = Field(default=2, ge=1)
    max_lines: int = Field(default=80, ge=1, description="added and removed together")
    seconds: float = Field(default=600.0, gt=0, description="then it ends, with all it started")
    memory_mb: int = Field(default=4096, ge=16, description="of all its processes together")
    processes: int = Field(default=512, ge=1, description="at the same time, threads included")
    cost_usd: float = Field(default=1.0, gt=0, description="most that one task may cost")
    price: TokenPrice | None = Field(
        default=None, description="of its model, where the command reports tokens and no money"
    )
    max_tokens: int = Field(default=4096, ge=1, description="of one answer, for kind api")
    script: tuple[Act, ...] = Field(default=(), description="for kind scripted")

    @field_validator("seconds", "cost_usd")
    @classmethod
    def _a_limit(cls, value: float) -> float:
        if not isfinite(value):
            raise ValueError("must be a number: without a limit it would never be ended")
        return value

    @field_validator("base_url")
    @classmethod
    def _check_reachable(cls, value: str) -> str:
        return address(value)

    @field_validator("reach")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in value:
            host, _, port = place.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise ValueError(f"{place!r} must be host:port")
        return value

    @field_validator("file_types")
    @classmethod
    def _suffixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for suffix in value:
            if suffix and not suffix.startswith("."):
                raise ValueError(f"{suffix!r} must begin with a dot, like '.txt'")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "AgentConfig":
        if self.kind == "api" and not self.model:
            raise ValueError("kind api needs 'model:', an alias of configs/models")
        if self.kind == "codex" and self.price is None:
            raise ValueError(
                "kind codex needs 'price:': it reports tokens, and 'cost_usd' is money"
            )
        return self
