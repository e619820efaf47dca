"""The section `github:` of configs/targets/*.yaml: where on GitHub a target is."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from prompt_lab.config.base import Config

TOKENS = frozenset({"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_APP_PRIVATE_KEY"})
"""Environment variables that hold a key of GitHub."""
_HERE = ("localhost", "127.0.0.1", "::1")


class GitHubConfig(Config):
    """A repository on github.com, or on a GitHub Enterprise server of one's own."""

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    base_url: str = Field(
        default="https://api.github.com",
        description="of the REST API; GitHub Enterprise: https://HOST/api/v3",
    )
    remote: str = Field(
        default="",
        description="what git pushes to and fetches from: a URL, or the name of a remote of the "
        "target; the repository's own https URL if empty",
    )
    merge_method: Literal["merge", "squash", "rebase"] = "merge"
    status: str = Field(
        default="prompt-lab/verdict",
        description="name of the commit status (or check run) that shows the verdict; '': none",
    )
    tries: int = Field(default=4, ge=1, description="of a call, where the server or network fails")
    most_wait: float = Field(
        default=60.0, ge=0, description="seconds to wait at most until a limit is lifted"
    )
    pause: float = Field(default=1.0, ge=0, description="seconds between two changes, and tries")

    @property
    def web(self) -> str:
        """Where pages and git are, without a slash at the end.

        >>> GitHubConfig(repository="a/b").web
        'https://github.com'
        >>> GitHubConfig(repository="a/b", base_url="https://git.shop.example/api/v3").web
        'https://git.shop.example'
        """
        url = urlsplit(self.base_url)
        return f"{url.scheme}://{url.netloc.removeprefix('api.')}"

    @property
    def owner(self) -> str:
        """Whose repository it is."""
        return self.repository.partition("/")[0]

    @property
    def git_remote(self) -> str:
        """What git is given."""
        return self.remote or f"{self.web}/{self.repository}.git"

    @field_validator("base_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _HERE):
            raise ValueError("must be an https:// URL: a token is sent there")
        return _without_key(value).rstrip("/")

    @field_validator("remote")
    @classmethod
    def _no_key(cls, value: str) -> str:
        if value.startswith("-"):
            raise ValueError("must be a URL or the name of a remote")
        return _without_key(value)


def _without_key(value: str) -> str:
    """The URL itself. Raises ValueError where it holds a key, which git would write down."""
    url = urlsplit(value)
    if url.scheme in ("http", "https") and "@" in url.netloc:
        raise ValueError("holds a user or a key: tokens come from the environment alone")
    return value
