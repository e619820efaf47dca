"""The prompts of a lab that `prompt-lab serve` serves: like `Prompts` in process, over HTTP.

A thread listens to the server's events and reads again what has changed; `get` makes no call but
the first of each prompt. While the server is out of reach, every answer says since when.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Self
from urllib.parse import quote

import httpx

from prompt_lab.clock import utc_now
from prompt_lab.errors import RegistryError, UnknownName
from prompt_lab.prompts.snapshots import PRODUCTION
from prompt_lab.store.prompt_reader import PromptAnswer

KEY = "PROMPTLAB_KEY"
SILENCE_SECONDS = 8.0
"""The server says something every two seconds; after this long without, it is out of reach."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_Name = tuple[str, str]


class HttpPrompts:
    """Prompts of a served lab. `close` ends the listening thread; also a context manager."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        now: Callable[[], str] = utc_now,
        timeout_seconds: float = 5.0,
    ) -> None:
        """`key`: default PROMPTLAB_KEY. Raises RegistryError where the server does not answer."""
        key = key or os.environ.get(KEY, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = url.rstrip("/")
        self._client = httpx.Client(base_url=self._url, headers=headers, timeout=timeout_seconds)
        self._now = now
        self._answers: dict[_Name, PromptAnswer] = {}
        self._etags: dict[_Name, str] = {}
        self._stale_since = ""
        self._epoch = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._connected = threading.Event()
        self._failure = ""
        self._listener = threading.Thread(target=self._listen, name="prompts", daemon=True)
        self._listener.start()
        if not self._connected.wait(timeout_seconds) or self._failure:
            failure = self._failure or "the lab has no prompts yet"
            self.close()
            raise RegistryError(f"{self._url}: cannot read prompts: {failure}.")

    def get(self, prompt_id: str, label: str = PRODUCTION) -> PromptAnswer:
        """The text that a label names now.

        Raises UnknownName for a prompt or label that is not there, and RegistryError where the
        first read of it fails. A label that was removed later is answered with `stale_since`.
        """
        answer = self._answers.get((prompt_id, label))
        return answer if answer is not None else self._read_first((prompt_id, label))

    def list_prompts(self, label: str = PRODUCTION) -> list[str]:
        """The ids that a label has, sorted; asks the server. Raises UnknownName, RegistryError."""
        response = self._fetch("/api/v1/prompts", {"label": label}, {})
        if response.status_code == 404:
            raise UnknownName("label", label, (), self._url)
        return [str(row["id"]) for row in response.json()["prompts"]]

    def close(self) -> None:
        """Stop listening; the answers stay as they are."""
        self._closed.set()
        self._client.close()
        self._listener.join(SILENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read_first(self, name: _Name) -> PromptAnswer:
        while True:
            epoch = self._epoch
            response = self._request(name)
            if response.status_code == 404:
                raise UnknownName("prompt or label", "@".join(name), (), self._url)
            with self._lock:
                if epoch == self._epoch:  # else a change has passed by while it was read
                    self._keep(name, response)
                    if self._stale_since:  # no event would report the next change
                        self._mark(name, self._stale_since)
                    return self._answers[name]

    def _listen(self) -> None:
        pause = _FIRST_PAUSE
        while not self._closed.is_set():
            try:
                for _ in self._stream_events():
                    self._failure = ""
                    self._refresh()
                    self._connected.set()
                    pause = _FIRST_PAUSE
                self._lose("the server ended the events")
            except (httpx.HTTPError, RegistryError, RuntimeError, ValueError) as error:
                self._lose(str(error) or type(error).__name__)
            self._closed.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _stream_events(self) -> Iterator[None]:
        """Yields once for each event `pointer`; one comes with the connection."""
        limits = httpx.Timeout(self._client.timeout.connect, read=SILENCE_SECONDS)
        with self._client.stream("GET", "/api/v1/events", timeout=limits) as response:
            if response.status_code != 200:
                response.read()
                raise RegistryError(_explain(response))
            for line in response.iter_lines():
                if self._closed.is_set():
                    return
                if line.startswith("event: pointer"):
                    yield

    def _refresh(self) -> None:
        """Read all that was read before, once more. Raises httpx.HTTPError, RegistryError."""
        with self._lock:
            self._epoch += 1
            names = list(self._answers)
        for name in names:
            response = self._request(name)
            with self._lock:
                if response.status_code == 404:
                    self._mark(name, self._now())
                else:
                    self._keep(name, response)
        self._stale_since = ""

    def _keep(self, name: _Name, response: httpx.Response) -> None:
        if response.status_code == 304:
            # Its ETag covers all that was sent; the mark of a lost connection is our own.
            answer = self._answers[name]._replace(stale_since=_stale_header(response))
        else:
            data = response.json()
            answer = PromptAnswer(*(str(data[field]) for field in PromptAnswer._fields))
            self._etags[name] = response.headers.get("etag", "")
        self._answers[name] = answer

    def _lose(self, failure: str) -> None:
        """Note that the server is out of reach, in every answer."""
        self._failure = failure
        with self._lock:
            if self._closed.is_set() or self._stale_since:
                return
            self._stale_since = self._now()
            for name in self._answers:
                self._mark(name, self._stale_since)
        self._connected.set()

    def _mark(self, name: _Name, since: str) -> None:
        answer = self._answers[name]
        if not answer.stale_since:
            self._answers[name] = answer._replace(stale_since=since)

    def _request(self, name: _Name) -> httpx.Response:
        prompt_id, label = name
        etag = self._etags.get(name, "") if name in self._answers else ""
        headers = {"If-None-Match": etag} if etag else {}
        return self._fetch(
            f"/api/v1/prompts/{quote(prompt_id, safe='')}", {"label": label}, headers
        )

    def _fetch(self, path: str, query: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        """An answer of 200, 304 or 404. Raises RegistryError for any other."""
        try:
            response = self._client.get(path, params=query, headers=headers)
        except (httpx.HTTPError, RuntimeError) as error:
            raise RegistryError(f"{self._url}: cannot read prompts: {error}.") from error
        if response.status_code not in (200, 304, 404):
            raise RegistryError(f"{self._url}: cannot read prompts: {_explain(response)}.")
        return response


def _stale_header(response: httpx.Response) -> str:
    return str(response.headers.get("prompt-lab-stale-since", ""))


def _explain(response: httpx.Response) -> str:
    try:
        said = json.loads(response.text).get("error", "")
    except (ValueError, AttributeError):
        said = ""
    return f"{response.status_code} {said}".strip()
