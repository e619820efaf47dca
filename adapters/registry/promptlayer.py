"""PromptLayer's HTTP API, by hand: its client takes failures for successes and sends writes twice.

https://docs.promptlayer.com/reference
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from adapters.registry._http import Query, RegistryHttp, only_version, read_key
from adapters.registry._template import read_text, replace_text
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.errors import PromptMissing, RegistryError
from prompt_lab.ports import RemoteVersion

KEY = "PROMPTLAYER_API_KEY"
_RAW: Query = {"resolve_snippets": "false"}
"""Otherwise @@@snippet@@@ comes filled in, and what is published from it has lost the reference."""


class PromptLayer:
    """Prompt templates of a workspace, by name or by id; the release labels are the labels."""

    def __init__(
        self,
        config: RegistryConfig,
        environ: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises RegistryError where PROMPTLAYER_API_KEY is missing."""
        key = read_key(environ, KEY, config)
        client = httpx.Client(
            base_url=config.base_url, headers={"X-API-KEY": key}, timeout=config.timeout_seconds
        )
        self._http = RegistryHttp(config, client, (key,), sleep)
        self._name = config.name

    def read_label(self, prompt: str, label: str) -> int | None:
        """See the port."""
        numbers = {
            _number(one, "prompt_version_number", self._where(prompt))
            for one in self._read_labels(prompt)
            if one.get("release_label") == label
        }
        return only_version(sorted(numbers), label, self._where(prompt))

    def read_version(self, prompt: str, number: int) -> RemoteVersion:
        """See the port."""
        return self._parse(prompt, self._read_raw(prompt, number))

    def list_versions(self, prompt: str) -> Iterator[RemoteVersion]:
        """See the port. There is no call that lists them: they are read one by one."""
        try:
            newest = self._parse(prompt, self._read_raw(prompt))
        except PromptMissing:
            return
        yield newest
        for number in range(newest.number - 1, 0, -1):
            try:
                yield self.read_version(prompt, number)
            except PromptMissing:
                continue  # a version that was deleted

    def publish(self, prompt: str, text: str, *, base: int | None, message: str) -> int | None:
        """See the port. Model settings, tags and further messages stay those of `base`."""
        name: dict[str, Any] = {"prompt_name": prompt}
        version: dict[str, Any] = {"commit_message": message}
        template: dict[str, Any] = {
            "type": "chat",
            "messages": [{"role": "system", "content": [{"type": "text", "text": text}]}],
        }
        raw = self._read_raw(prompt, base) if base is not None else self._read_newest(prompt)
        if raw is not None:
            name = {"prompt_name": raw.get("prompt_name", prompt), "tags": raw.get("tags") or []}
            template = self._replace(prompt, raw.get("prompt_template"), text)
            if raw.get("metadata"):
                version["metadata"] = raw["metadata"]
        version["prompt_template"] = template
        body = {"prompt_template": name, "prompt_version": version}
        answer = self._http.write("POST", "/rest/prompt-templates", body)
        number = answer.get("version", answer.get("version_number"))
        return number if type(number) is int else None

    def move_label(self, prompt: str, label: str, number: int) -> None:
        """See the port. A label that is not there yet is made."""
        where = self._where(prompt)
        for one in self._read_labels(prompt):
            if one.get("release_label") == label:
                label_id = _number(one, "release_label_id", where)
                body: dict[str, Any] = {"prompt_version_number": number}
                self._http.write("PATCH", f"/prompt-labels/{label_id}", body)
                return
        prompt_id = _number(self._read_raw(prompt, number), "id", where)
        body = {"prompt_version_number": number, "name": label}
        self._http.write("POST", f"/prompts/{prompt_id}/label", body)

    def close(self) -> None:
        """See the port."""
        self._http.close()

    def _read_newest(self, prompt: str) -> dict[str, Any] | None:
        try:
            return self._read_raw(prompt)
        except PromptMissing:
            return None

    def _read_raw(self, prompt: str, number: int | None = None) -> dict[str, Any]:
        query = _RAW if number is None else {**_RAW, "version": number}
        return self._http.read(f"/prompt-templates/{quote(prompt, safe='')}", query)

    def _read_labels(self, prompt: str) -> list[dict[str, Any]]:
        try:
            answer = self._http.read(f"/prompt-templates/{quote(prompt, safe='')}/labels")
        except PromptMissing:
            return []
        found = answer.get("release_labels")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise RegistryError(f"{self._where(prompt)}: its labels cannot be read")
        return found

    def _parse(self, prompt: str, raw: dict[str, Any]) -> RemoteVersion:
        where = self._where(prompt)
        number = _number(raw, "version", where)
        messages, _ = self._messages(raw.get("prompt_template"), where)
        return RemoteVersion(number, read_text(messages, f"{where}, version {number}"))

    def _replace(self, prompt: str, template: object, text: str) -> dict[str, Any]:
        where = self._where(prompt)
        messages, key = self._messages(template, where)
        changed = replace_text(messages, text, where)
        assert isinstance(template, dict)
        value = changed if key == "messages" else changed[0]["content"]
        without = {name: one for name, one in template.items() if name != "input_variables"}
        return {**without, key: value}

    def _messages(self, template: object, where: str) -> tuple[list[dict[str, Any]], str]:
        """The messages, and the key that holds them; a completion is one message."""
        if isinstance(template, dict) and template.get("type") == "completion":
            return [{"role": "system", "content": template.get("content")}], "content"
        if isinstance(template, dict) and isinstance(template.get("messages"), list):
            return template["messages"], "messages"
        raise RegistryError(f"{where}: its template is neither chat nor completion")

    def _where(self, prompt: str) -> str:
        return f"{self._name}: {prompt!r}"


def _number(holder: dict[str, Any], key: str, where: str) -> int:
    value = holder.get(key)
    if type(value) is not int:
        raise RegistryError(f"{where}: its answer has no number {key!r}")
    return value
