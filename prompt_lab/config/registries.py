"""configs/registries/*.yaml: remote registries that prompts are deployed to."""

import os
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from prompt_lab.config.base import Config, address

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
PREFIX = "PROMPTLAYER_PROMPT_PREFIX"
_BASE_URLS = {
    "promptlayer": "https://api.promptlayer.com",
    "langfuse": "https://cloud.langfuse.com",
}


class RegistryConfig(Config):
    """One remote registry. Keys come from the environment alone.

    >>> RegistryConfig(name="live", kind="langfuse").base_url
    'https://cloud.langfuse.com'
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    kind: str = Field(description="folder, promptlayer, langfuse, or a dotted path")
    base_url: str = Field(default="", description="of the service; default: the vendor's own")
    path: str = Field(default="", description="of the kind 'folder': where the texts are written")
    label: str = Field(
        default="production", min_length=1, description="the label that readers of it ask for"
    )
    prompts: dict[str, str] = Field(
        default={}, description="prompt id -> its name there; default: all, by their ids"
    )
    prefix: str = Field(
        default="",
        description="of names there: prompt `outline` is `<prefix>_outline`; not of those in"
        " `prompts`. For promptlayer PROMPTLAYER_PROMPT_PREFIX overrides it",
    )
    timeout_seconds: float = Field(default=20.0, gt=0, description="of one call")
    tries: int = Field(default=4, ge=1, description="of a call that may be made again")
    pause: float = Field(default=0.5, ge=0, description="seconds before the second try; doubles")
    most_wait: float = Field(
        default=30.0, ge=0, description="seconds to wait at most where it says Retry-After"
    )

    @field_validator("base_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        url = urlsplit(address(value))
        if value and url.scheme != "https" and url.hostname not in _LOOPBACK:
            raise ValueError("must be an https:// URL: a key is sent there")
        if "@" in url.netloc:
            raise ValueError("holds a user or a key: keys come from the environment alone")
        return value.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("base_url"):
            return {**data, "base_url": _BASE_URLS.get(str(data.get("kind")), "")}
        return data

    @model_validator(mode="after")
    def _is_whole(self) -> "RegistryConfig":
        if self.kind == "folder" and not self.path:
            raise ValueError("path: name the folder that the texts are written to")
        return self

    def remote_name(self, prompt_id: str) -> str:
        """The name of a prompt at the registry. An id that begins with the prefix is its own name.

        >>> live = RegistryConfig(name="live", kind="langfuse", prefix="blog", prompts={"a": "b"})
        >>> [live.remote_name(one) for one in ("a", "blog", "blog_outline", "outline")]
        ['b', 'blog', 'blog_outline', 'blog_outline']
        """
        if prompt_id in self.prompts:
            return self.prompts[prompt_id]
        prefix = self.prefix
        if self.kind == "promptlayer":
            prefix = os.environ.get(PREFIX) or prefix
        has_it = prompt_id == prefix or prompt_id.startswith(f"{prefix}_")
        return prompt_id if has_it or not prefix else f"{prefix}_{prompt_id}"
