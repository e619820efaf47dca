"""What every model adapter shares: keys, places for calls at the same time, retries."""

import logging
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import BoundedSemaphore

from adapters.llm.per_process import PerProcess
from prompt_lab.config.arguments import secrets_in
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import CallRefused, ModelUnavailable, TransientError
from prompt_lab.names import count
from prompt_lab.ports import Answer, Request
from prompt_lab.redact import Redactor

ATTEMPTS = 5
TIMEOUTS = 2
"""Of the attempts, how many may end in silence: each takes as long as the model is given."""
LONGEST_PAUSE = 60.0
MALFORMED = (TypeError, AttributeError, LookupError, ValueError)
"""What clients raise for a body that is not JSON, or not an answer: some say 200 to an error."""
_log = logging.getLogger(__name__)
_PATIENCE = {408, 409, 425, 429}
_UNUSABLE = {401: "the key", 402: "to go on without credit", 403: "the key"}


class RetryableCall(Exception):
    """The vendor asks for patience, or did not answer: the call may be made again."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TimedOut(RetryableCall):
    """The vendor said nothing for as long as the model is given."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(f"no answer in time (timeout_seconds: {config.timeout_seconds:g})")


class BaseLlm(ABC):
    """One alias: at most `workers` calls at the same time, each with bounded retries.

    Subclasses make one call in `_call` and raise RetryableError, CallRefused or ModelUnavailable.
    """

    def __init__(self, config: ModelConfig, pause: Callable[[float], None] = time.sleep) -> None:
        self.config = config
        self._places = PerProcess(lambda: BoundedSemaphore(config.workers))
        self._pause = pause
        self._doubted = False

    def check(self) -> str | None:
        """Which key is missing, or None. Makes no call."""
        name = self.config.key_env
        if name and not os.environ.get(name):
            return f"the environment variable {name}, which holds the key, is not set"
        return None

    def close(self) -> None:  # noqa: B027 -- some have nothing to give back
        """Nothing to give back."""

    def ask(self, request: Request) -> Answer:
        """One answer. A call that waits for its retry gives its place to another."""
        waited, retries, timeouts = 0.0, 0, 0
        while True:
            queued = time.perf_counter()
            with self._places.get():
                waited += time.perf_counter() - queued
                try:
                    answer = self._believed(self._call(request))
                    return replace(answer, waited=answer.waited + waited, retries=retries)
                except RetryableCall as busy:
                    problem = busy
            retries += 1
            timeouts += isinstance(problem, TimedOut)
            if retries >= ATTEMPTS or timeouts >= TIMEOUTS:
                raise TransientError(
                    f"{self.config.alias} did not answer in {count(retries, 'attempt')}: {problem}"
                )
            self._pause(pause_before(retries, problem.retry_after))

    @property
    def key(self) -> str:
        """The key, read when it is needed. Raises ModelUnavailable where it is missing."""
        missing = BaseLlm.check(self)
        if missing:
            raise ModelUnavailable(f"{self.config.alias}: {missing}")
        return os.environ.get(self.config.key_env, "none") if self.config.key_env else "none"

    def _believed(self, answer: Answer) -> Answer:
        """The answer with 0 for a number of tokens that cannot be: it would be money got back."""
        told = (answer.input_tokens, answer.output_tokens)
        given, made = (max(0, n) if isinstance(n, int) else 0 for n in told)
        if (given, made) != told and not self._doubted:
            self._doubted = True
            _log.warning(
                "%s: its server reports %r input and %r output tokens; what cannot be counts as 0,"
                " so its costs are reported too low",
                *(self.config.alias, *told),
            )
        return replace(answer, input_tokens=given, output_tokens=made)

    @abstractmethod
    def _call(self, request: Request) -> Answer:
        """One call, in a place of its own."""


def pause_before(retry: int, asked: float | None) -> float:
    """Seconds before the n-th retry: what the server asked for, else 0.5, 1, 2, 4 …; at most 60.

    >>> [pause_before(n, None) for n in (1, 2, 3)], pause_before(1, 7.0), pause_before(1, 900.0)
    ([0.5, 1.0, 2.0], 7.0, 60.0)
    """
    return min(LONGEST_PAUSE, asked if asked is not None else 0.5 * 2 ** (retry - 1))


def fault_of(
    status: int, message: str, headers: Mapping[str, str], config: ModelConfig
) -> Exception:
    """What an HTTP status means to a caller: RetryableError, ModelUnavailable or CallRefused."""
    text = f"HTTP {status}: {hide_key(message, config)[:300]}"
    if headers.get("x-should-retry") == "false" and status >= 500:  # the gateway has tried already
        return TransientError(f"{config.alias}: {text}")
    if status in _PATIENCE or status >= 500:
        return RetryableCall(text, _seconds(headers.get("retry-after")))
    if status in _UNUSABLE:
        return ModelUnavailable(f"{config.alias}: the server refused {_UNUSABLE[status]} ({text})")
    if status in (404, 405, 410) or status < 400:
        return ModelUnavailable(
            f"{config.alias}: the server knows no such model or address ({text})"
        )
    return CallRefused(f"{config.alias}: {text}")


def hide_key(text: str, config: ModelConfig) -> str:
    """The text without the key: some servers repeat it in what they complain about."""
    keys = secrets_in(config.settings.extra, os.environ)
    keys |= {os.environ.get(config.key_env, "")} if config.key_env else set()
    return Redactor(keys).known_in(text)


def _seconds(value: str | None) -> float | None:
    """Seconds to wait, from either form of Retry-After: a number, or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
