"""The contract API of a lab that `prompt-lab serve` serves: like `PromptOps` in process, over HTTP.

Whatever goes wrong, `prepare` gives the raw prompt with the reason. A thread sends the outcomes.
"""

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import httpx
from pydantic import ValidationError

from prompt_lab.promptops.contract import NO_CONTEXT, give_raw
from prompt_lab.promptops.records import Prompt, PromptPrepared, TemplateRecommendation

KEY: Final = "PROMPTLAB_KEY"
PATH: Final = "/api/v1/promptops"
PAUSE_SECONDS: Final = 1.0
"""After a failure, during which no call is made and the raw prompt comes back at once."""
MOST_WAITING: Final = 10_000
"""Outcomes in memory; further ones are dropped and counted."""
_AT_ONCE: Final = 500
_SEND_SECONDS: Final = 5.0
_TRIES: Final = 5
_FAILURES = (httpx.HTTPError, ValidationError, ValueError, TypeError, RuntimeError, KeyError)


class HttpPromptOps:
    """The contract over a served lab. Thread-safe; `close` sends what is waiting."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        budget_ms: float = 50.0,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`key`: default PROMPTLAB_KEY. Makes no call: a server out of reach gives raw prompts."""
        key = key or os.environ.get(KEY, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = url.rstrip("/")
        self._budget = budget_ms / 1e3
        self._clock = clock
        self._client = httpx.Client(
            base_url=self._url, headers=headers, timeout=self._budget, transport=transport
        )
        self._failure, self._paused_until = "", 0.0
        self._outcomes: deque[dict[str, Any]] = deque()
        self.dropped = 0
        self._filled, self._closed = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._sender: threading.Thread | None = None

    def prepare(
        self, task_class: str, raw_prompt: Prompt, context: Mapping[str, Any] = NO_CONTEXT
    ) -> PromptPrepared:
        """The prompt to send; the raw one, unchanged, with the reason where it is not to be had."""
        begun = self._clock()
        body = {"task_class": task_class, "raw_prompt": raw_prompt, "context": dict(context)}
        try:
            prepared = PromptPrepared.model_validate(self._post("prepare", body))
        except _FAILURES as error:
            return give_raw(raw_prompt, "", self._explain(error))
        if not prepared.applied:
            return give_raw(raw_prompt, prepared.trace, prepared.reason)
        taken = self._clock() - begun
        if taken > self._budget:
            reason = f"it took {1e3 * taken:.0f} ms, and the budget is {1e3 * self._budget:g} ms"
            return give_raw(raw_prompt, prepared.trace, reason)
        return prepared

    def record_outcome(self, trace: str, **facts: Any) -> None:
        """Say what became of a call; it is sent in the background. Never raises."""
        if not trace or self._closed.is_set():  # no server has prepared that call
            return
        if len(self._outcomes) >= MOST_WAITING:
            self.dropped += 1
            return
        self._outcomes.append({"trace": trace, "facts": facts})
        self._filled.set()
        if self._sender is None:
            with self._starting:
                if self._sender is None:
                    self._sender = threading.Thread(target=self._send, name="outcomes", daemon=True)
                    self._sender.start()

    def recommend_template(
        self, task_class: str, context: Mapping[str, Any] = NO_CONTEXT
    ) -> TemplateRecommendation | None:
        """The registered text for a task class; None where there is none, or no answer."""
        body = {"task_class": task_class, "context": dict(context)}
        try:
            found = self._post("recommend", body)["recommendation"]
            return TemplateRecommendation.model_validate(found) if found else None
        except _FAILURES as error:
            self._explain(error)
            return None

    def close(self) -> None:
        """Send the outcomes that wait, a few seconds at most, and end the connections."""
        self._closed.set()
        self._filled.set()
        if self._sender is not None:
            self._sender.join(2 * _SEND_SECONDS)
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _post(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's object. Raises one of _FAILURES."""
        if self._clock() < self._paused_until:
            raise ValueError(self._failure)
        response = self._client.post(f"{PATH}/{name}", json=body)
        if response.status_code != 200:
            raise httpx.HTTPError(f"{response.status_code} {_read_error(response)}".strip())
        found = response.json()
        if not isinstance(found, dict):
            raise TypeError("the answer is no object")
        return found

    def _explain(self, error: Exception) -> str:
        """The reason for the raw prompt; a server that does not answer is spared for a while."""
        if isinstance(error, ValueError) and str(error) == self._failure:
            return self._failure
        said = f"{self._url}: {type(error).__name__}: {' '.join(str(error).split())}"[:300]
        if isinstance(error, httpx.TransportError):
            self._failure, self._paused_until = said, self._clock() + PAUSE_SECONDS
        return said

    def _send(self) -> None:
        while not (self._closed.is_set() and not self._outcomes):
            self._filled.wait()
            self._filled.clear()
            while self._outcomes:
                count = min(_AT_ONCE, len(self._outcomes))
                self._send_some([self._outcomes.popleft() for _ in range(count)])

    def _send_some(self, outcomes: list[dict[str, Any]]) -> None:
        """Send, and try again while the server does not answer; then they are dropped."""
        data = json.dumps({"outcomes": outcomes}, default=str).encode()
        headers = {"Content-Type": "application/json"}
        for attempt in range(1, _TRIES + 1):
            try:
                response = self._client.post(
                    f"{PATH}/outcome", content=data, headers=headers, timeout=_SEND_SECONDS
                )
            except (httpx.HTTPError, RuntimeError):
                pass
            else:
                if response.status_code == 200:
                    return
                if response.status_code not in (429, 503):
                    break
            if attempt == _TRIES or self._closed.wait(PAUSE_SECONDS * attempt):
                break
        self.dropped += len(outcomes)


def _read_error(response: httpx.Response) -> str:
    try:
        return str(json.loads(response.text).get("error", ""))
    except (ValueError, AttributeError):
        return ""
