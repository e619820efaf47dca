"""The keys that a model's config names or holds, and the config without them."""

import base64
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from prompt_lab.config.arguments import is_secret, masked, named_leaves, secrets_in
from prompt_lab.config.models import RETRIES, ModelConfig
from prompt_lab.redact import HIDDEN

_ENCODED = 12
"""Characters from which on a key is looked for in other encodings too."""


def keys_of(config: ModelConfig, environ: Mapping[str, str]) -> set[str]:
    """Values of all keys of a model: of its variable, in its address, in its settings.

    Each also in the forms of a URL and of base64, since servers repeat whole headers.
    """
    found = {environ.get(config.key_env, "")} if config.key_env else set()
    if config.settings.extra:
        found |= secrets_in(config.settings.extra, environ)
        leaves = named_leaves("", config.settings.extra)
        found |= {leaf for name, leaf in leaves if isinstance(leaf, str) and is_secret(name)}
    if "@" in config.base_url or "?" in config.base_url:
        found |= set(_secrets_of_url(config.base_url))
    return {form for key in found if key for form in _forms(key)}


def mask_url(url: str) -> str:
    """An address as it may be written down: no user, no values of a query.

    >>> mask_url("https://me:secret@host:8080/v1?key=abc&b=")
    'https://host:8080/v1?key=[key]&b=[key]'
    """
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query and not parts.fragment:
        return url
    host = parts.netloc.rpartition("@")[2]
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    query = "&".join(f"{quote(name)}={HIDDEN}" for name in names)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def describe_model(config: ModelConfig, without: Collection[str] = ()) -> dict[str, Any]:
    """A model as records hold it: no key is in it. Client and retries only where they are said."""
    shown = config.model_copy(
        update={
            "base_url": mask_url(config.base_url),
            "settings": config.settings.model_copy(update={"extra": masked(config.settings.extra)}),
        }
    )
    unsaid = {
        *without,
        *(["client"] if config.client == "wire" else []),
        *(["retries"] if config.retries == RETRIES else []),
    }
    return shown.model_dump(mode="json", exclude=unsaid)


def _secrets_of_url(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.password:
        yield unquote(parts.password)
        yield parts.netloc.rpartition("@")[0]
    elif parts.username:
        yield unquote(parts.username)
    yield from (value for _, value in parse_qsl(parts.query))


def _forms(key: str) -> Iterator[str]:
    yield key
    if len(key) >= _ENCODED:
        yield quote(key, safe="")
        yield base64.b64encode(key.encode("utf-8", "surrogateescape")).decode().rstrip("=")
