"""What every model adapter shares: keys, places for calls at the same time, retries."""

import logging
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from threading import BoundedSemaphore

from adapters.llm.setting_hint import setting_hint
from adapters.wire.dialects.base import Reply, is_count
from adapters.wire.per_process import PerProcess
from adapters.wire.retry import (
    FailedAttempts,
    RetryableError,
    RetryPolicy,
    read_retry_after,
    retry_delay,
)
from adapters.wire.statuses import StatusKind, classify_status, describe_unusable
from prompt_lab.config.model_keys import keys_of
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import CallRefused, ModelUnavailable, TransientError
from prompt_lab.names import count
from prompt_lab.ports import Answer, Request
from prompt_lab.ports.call_pool import pause_call
from prompt_lab.redact import Redactor

MALFORMED = (TypeError, AttributeError, LookupError, ValueError)
"""What clients raise for a body that is not JSON, or not an answer: some say 200 to an error."""
_log = logging.getLogger(__name__)


class BaseLlm(ABC):
    """One alias: at most `workers` calls at the same time, each with bounded retries.

    Subclasses make one call in `_call` and raise RetryableError, CallRefused or ModelUnavailable.
    """

    def __init__(self, config: ModelConfig, pause: Callable[[float], None] = pause_call) -> None:
        self.config = config
        self._places = PerProcess(lambda: BoundedSemaphore(config.workers))
        self._pause = pause
        self._policy = RetryPolicy().with_retries(config.retries)
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
        waited, failed = 0.0, FailedAttempts()
        while True:
            queued = time.perf_counter()
            with self._places.get():
                waited += time.perf_counter() - queued
                try:
                    answer = self._believed(self._call(request))
                    return replace(answer, waited=answer.waited + waited, retries=failed.number)
                except RetryableError as busy:
                    problem = busy
            failed = failed.add(problem)
            delay = retry_delay(self._policy, failed, problem.retry_after)
            if delay is None:
                times = count(failed.number, "attempt")
                fault = TransientError(f"{self.config.alias} did not answer in {times}: {problem}")
                fault.attempts = failed.number
                raise fault
            self._pause(delay)

    @property
    def key(self) -> str:
        """The key, read when it is needed. Raises ModelUnavailable where it is missing."""
        missing = BaseLlm.check(self)
        if missing:
            raise ModelUnavailable(f"{self.config.alias}: {missing}")
        return os.environ.get(self.config.key_env, "none") if self.config.key_env else "none"

    def _believed(self, answer: Answer) -> Answer:
        """The answer without keys, and with 0 for a number of tokens that cannot be.

        A server may repeat the key that it was sent; a negative number would be money got back.
        """
        told = (answer.input_tokens, answer.output_tokens)
        given, made = (n if is_count(n) else 0 for n in told)
        if (given, made) != told and not self._doubted:
            self._doubted = True
            _log.warning(
                "%s: its server reports %r input and %r output tokens; what cannot be counts as 0,"
                " so its costs are reported too low",
                *(self.config.alias, *told),
            )
        redactor = _redactor_of(frozenset(keys_of(self.config, os.environ)))
        return replace(
            answer,
            text=redactor.answer(answer.text),
            finish_reason=redactor.answer(answer.finish_reason),
            answered_by=redactor.answer(answer.answered_by),
            input_tokens=given,
            output_tokens=made,
        )

    @abstractmethod
    def _call(self, request: Request) -> Answer:
        """One call, in a place of its own."""


def answer_of(reply: Reply, seconds: float) -> Answer:
    """What a server said, as an answer of a call that took so long."""
    return Answer(
        text=reply.text,
        input_tokens=reply.input_tokens or 0,
        output_tokens=reply.output_tokens or 0,
        seconds=seconds,
        finish_reason=reply.finish,
        answered_by=reply.model,
    )


def fault_of(
    status: int, message: str, headers: Mapping[str, str], config: ModelConfig
) -> Exception:
    """What an HTTP status means to a caller: RetryableError, ModelUnavailable or CallRefused.

    Names of `headers` are in lower case, or found in any case.
    """
    text = f"HTTP {status}: {hide_key(message, config)[:300]}"
    if headers.get("x-should-retry") == "false" and status >= 500:  # the gateway has tried already
        return TransientError(f"{config.alias}: {text}")
    match classify_status(status):
        case StatusKind.RETRYABLE:
            return RetryableError(text, read_retry_after(headers, datetime.now(UTC)))
        case StatusKind.REFUSED:
            hint = setting_hint(message, config)
            advice = f"; in the file of {config.alias!r}: {hint}" if hint else ""
            return CallRefused(f"{config.alias}: {text}{advice}")
        case _:
            return ModelUnavailable(f"{config.alias}: {describe_unusable(status)} ({text})")


def hide_key(text: str, config: ModelConfig) -> str:
    """The text without the keys of a model: some servers repeat them in what they say."""
    return _redactor_of(frozenset(keys_of(config, os.environ))).text(text)


@lru_cache(maxsize=256)
def _redactor_of(keys: frozenset[str]) -> Redactor:
    return Redactor(keys)
