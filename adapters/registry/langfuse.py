"""Langfuse's prompts by its public API. https://langfuse.com/docs/prompt-management"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from adapters.registry._http import RegistryHttp, only_version, read_key
from adapters.registry._template import read_text, replace_text
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.errors import PromptMissing, RegistryError
from prompt_lab.ports import RemoteVersion

PUBLIC_KEY = "LANGFUSE_PUBLIC_KEY"
SECRET_KEY = "LANGFUSE_SECRET_KEY"
_PATH = "/api/public/v2/prompts"
_PAGE = 100
_NEWEST = "latest"
"""A label of Langfuse's own, which it moves by itself."""


class Langfuse:
    """Prompts of a project. A label is on one version: adding it to another one moves it."""

    def __init__(
        self,
        config: RegistryConfig,
        environ: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises RegistryError where LANGFUSE_PUBLIC_KEY or LANGFUSE_SECRET_KEY is missing."""
        keys = tuple(read_key(environ, name, config) for name in (PUBLIC_KEY, SECRET_KEY))
        client = httpx.Client(
            base_url=config.base_url,
            auth=httpx.BasicAuth(*keys),
            timeout=config.timeout_seconds,
        )
        self._http = RegistryHttp(config, client, keys[1:], sleep)
        self._name = config.name

    def read_label(self, prompt: str, label: str) -> int | None:
        """See the port."""
        return only_version(self._list_numbers(prompt, label), label, self._where(prompt))

    def read_version(self, prompt: str, number: int) -> RemoteVersion:
        """See the port."""
        raw = self._read_raw(prompt, number)
        where = f"{self._where(prompt)}, version {number}"
        if raw.get("version") != number:
            raise RegistryError(f"{where}: the answer is version {raw.get('version')!r}")
        content = raw.get("prompt")
        if isinstance(content, str):
            return RemoteVersion(number, content)
        return RemoteVersion(number, read_text(content if content is not None else [], where))

    def list_versions(self, prompt: str) -> Iterator[RemoteVersion]:
        """See the port."""
        for number in reversed(self._list_numbers(prompt)):
            try:
                yield self.read_version(prompt, number)
            except PromptMissing:
                continue  # deleted since

    def publish(self, prompt: str, text: str, *, base: int | None, message: str) -> int | None:
        """See the port. Config, tags and further messages stay those of `base`."""
        numbers = [base] if base is not None else self._list_numbers(prompt)[-1:]
        raw = self._read_raw(prompt, numbers[0]) if numbers else {}
        content: Any = text
        if isinstance(raw.get("prompt"), list):
            content = replace_text(raw["prompt"], text, self._where(prompt))
        body = {
            "name": prompt,
            "type": "text" if isinstance(content, str) else "chat",
            "prompt": content,
            "config": raw.get("config") or {},
            "tags": raw.get("tags") or [],
            "labels": [],
            "commitMessage": message,
        }
        number = self._http.write("POST", _PATH, body).get("version")
        return number if type(number) is int else None

    def move_label(self, prompt: str, label: str, number: int) -> None:
        """See the port."""
        if label == _NEWEST:
            raise RegistryError(f"{self._name}: Langfuse moves the label {label!r} by itself.")
        path = f"{_PATH}/{quote(prompt, safe='')}/versions/{number}"
        self._http.write("PATCH", path, {"newLabels": [label]})

    def close(self) -> None:
        """See the port."""
        self._http.close()

    def _read_raw(self, prompt: str, number: int) -> dict[str, Any]:
        """Without `resolve=false`, references to other prompts come filled in."""
        query: dict[str, str | int] = {"version": number, "resolve": "false"}
        return self._http.read(f"{_PATH}/{quote(prompt, safe='')}", query)

    def _list_numbers(self, prompt: str, label: str = "") -> list[int]:
        """Every version, or those with a label, oldest first; none where the prompt is not there.

        The list shows each prompt with those of its versions that match the query.
        """
        found: set[int] = set()
        page, pages = 1, 1
        while page <= pages:
            query: dict[str, str | int] = {"name": prompt, "limit": _PAGE, "page": page}
            answer = self._http.read(_PATH, {**query, "label": label} if label else query)
            try:
                rows = [row for row in answer["data"] if row["name"] == prompt]
                found |= {number for row in rows for number in row["versions"]}
                pages = int(answer["meta"]["totalPages"])
            except (KeyError, TypeError, ValueError) as error:
                raise RegistryError(f"{self._where(prompt)}: its list cannot be read") from error
            page += 1
        if not all(type(number) is int for number in found):
            raise RegistryError(f"{self._where(prompt)}: its list has versions without numbers")
        return sorted(found)

    def _where(self, prompt: str) -> str:
        return f"{self._name}: {prompt!r}"
