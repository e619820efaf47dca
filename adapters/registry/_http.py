"""Calls of a registry's HTTP API: reads are tried again, a write is sent exactly once."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from adapters.wire.body import MOST_BYTES
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.errors import (
    OutcomeUnknown,
    PromptMissing,
    RegistryBusy,
    RegistryConflict,
    RegistryError,
)
from prompt_lab.redact import Redactor

Query = Mapping[str, str | int]
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_STILL_AT_WORK = (502, 504)
"""A gateway gave up on the service, which may go on with the request."""
_KINDS = {404: PromptMissing, 409: RegistryConflict}
_SHOWN = 200


class RegistryHttp:
    """One service. `secrets` are in no message, whatever the service repeats."""

    def __init__(
        self,
        config: RegistryConfig,
        client: httpx.Client,
        secrets: tuple[str, ...],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._client = client
        self._redactor = Redactor(secrets)
        self._sleep = sleep

    def read(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """GET as JSON; tried again where that may help. Raises PromptMissing for a 404."""
        for attempt in range(1, self._config.tries + 1):
            try:
                return self._call("GET", path, query, None)
            except (RegistryBusy, OutcomeUnknown) as error:
                if attempt == self._config.tries:
                    raise RegistryError(str(error)) from error
                asked = error.retry_after if isinstance(error, RegistryBusy) else None
                longer = self._config.pause * 2 ** (attempt - 1)
                self._sleep(min(longer if asked is None else asked, self._config.most_wait))
        raise AssertionError("unreachable")

    def write(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request, sent once; its answer as JSON."""
        return self._call(method, path, None, body)

    def close(self) -> None:
        """End connections."""
        self._client.close()

    def _call(
        self, method: str, path: str, query: Query | None, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        what = f"{self._config.name}: {method} {path}"
        try:
            request = self._client.build_request(method, path, params=query, json=body)
            response = self._client.send(request, stream=True)
            try:
                data = _read_bounded(response)
            finally:
                response.close()
        except _UNSENT as error:
            raise RegistryBusy(self._hide(f"{what}: no connection ({error})")) from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            text = self._hide(f"{what}: the connection was lost ({reason})")
            raise OutcomeUnknown(text, is_settled=False) from None
        if response.status_code >= 300:
            raise self._explain(what, response, data)
        try:
            answer = json.loads(data) if data.strip() else {}
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise OutcomeUnknown(f"{what}: the answer is no JSON object", is_settled=True)
        return answer

    def _explain(self, what: str, response: httpx.Response, data: bytes) -> RegistryError:
        """The error that a status stands for. The service's own words follow, without keys."""
        status = response.status_code
        said = " ".join(self._hide(data.decode("utf-8", "replace")).split())[:_SHOWN]
        text = f"{what}: {status}" + (f" {said}" if said else "")
        if status == 429:
            return RegistryBusy(text, _seconds(response.headers.get("retry-after", "")))
        if status >= 500:
            return OutcomeUnknown(text, is_settled=status not in _STILL_AT_WORK)
        if status in (401, 403):
            text = f"{text}. Check the key and its rights (docs/registry.md)."
        elif status < 400:
            text = f"{text}: it redirects; correct base_url."
        return _KINDS.get(status, RegistryError)(text)

    def _hide(self, text: str) -> str:
        return self._redactor.text(text)


def _read_bounded(response: httpx.Response) -> bytes:
    """The body. Raises httpx.HTTPError where it has more than MOST_BYTES."""
    pieces, size = [], 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > MOST_BYTES:
            raise httpx.DecodingError(f"its answer has more than {MOST_BYTES:,} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def only_version(numbers: Sequence[int], label: str, where: str) -> int | None:
    """The version that a label is on; None where it is on none. Raises RegistryError for several.

    `where` names registry and prompt.
    """
    if len(numbers) > 1:
        raise RegistryError(
            f"{where}: label {label!r} is on versions"
            f" {', '.join(map(str, numbers))}. Take it off all but one there."
        )
    return numbers[0] if numbers else None


def read_key(environ: Mapping[str, str], variable: str, config: RegistryConfig) -> str:
    """A key from the environment. Raises RegistryError where it is missing or cannot be sent."""
    key = environ.get(variable, "").strip()
    if not key:
        raise RegistryError(f"{config.name}: no key: set {variable} in the environment.")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise RegistryError(
            f"{config.name}: {variable} contains a character that no key has: copy it again."
        )
    return key
