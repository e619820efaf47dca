"""When a call is tried again: one pure function, for the gateway and for all direct clients."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import Field

from prompt_lab.config.base import Config
from prompt_lab.config.models import RETRIES


class RetryableError(Exception):
    """No answer this time: the call may be made again. `retry_after`: seconds, None: not said."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ReadTimeout(RetryableError):
    """The answer was not complete in the time that the model is given."""

    def __init__(self, limit: float) -> None:
        super().__init__(f"no answer in time (timeout_seconds: {limit:g})")


class ConnectError(RetryableError):
    """There is no server at the address."""


class RetryPolicy(Config):
    """How often and how long a call is tried again. Seconds."""

    attempts: int = Field(default=5, ge=1)
    timeouts: int = Field(default=2, ge=1, description="attempts that may end in silence")
    first_pause: float = Field(default=0.5, ge=0, description="doubled at every further retry")
    longest_pause: float = Field(default=60.0, ge=0, description="of a Retry-After and of our own")

    def with_retries(self, retries: int) -> "RetryPolicy":
        """The same with as many retries as a model's config says, its default leaves it as it is.

        >>> RetryPolicy().with_retries(0).attempts, RetryPolicy(attempts=9).with_retries(4).attempts
        (1, 9)
        """
        if retries == RETRIES:
            return self
        return self.model_copy(update={"attempts": retries + 1})


@dataclass(frozen=True)
class FailedAttempts:
    """How many attempts of one call have failed, and how many of them by silence."""

    number: int = 0
    timeouts: int = 0

    def add(self, error: RetryableError) -> "FailedAttempts":
        """With one more."""
        return FailedAttempts(self.number + 1, self.timeouts + isinstance(error, ReadTimeout))


def retry_delay(
    policy: RetryPolicy, failed: FailedAttempts, retry_after: float | None
) -> float | None:
    """Seconds until the next attempt; None where there is to be none.

    What the server asks for, else 0.5, 1, 2, 4 … seconds; between 0 and `longest_pause`. A wish
    that is negative or no number is none. `failed` includes the error that has just come.

    >>> p = RetryPolicy()
    >>> [retry_delay(p, FailedAttempts(n), None) for n in (1, 2, 3, 5)]
    [0.5, 1.0, 2.0, None]
    >>> [retry_delay(p, FailedAttempts(1), asked) for asked in (7.0, 900.0, -3.0, float("nan"))]
    [7.0, 60.0, 0.5, 0.5]
    """
    if failed.number >= policy.attempts or failed.timeouts >= policy.timeouts:
        return None
    wanted = policy.first_pause * 2.0 ** (failed.number - 1)
    if retry_after is not None and retry_after >= 0:  # NaN is not
        wanted = retry_after
    return min(policy.longest_pause, wanted)


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from either form of Retry-After: a number, or a date.

    None for what is missing, negative or no number. A date that is over asks for 0.

    >>> [read_retry_after({"retry-after": v}, datetime.now(UTC)) for v in ("7", "-7", "nan", "x")]
    [7.0, None, None, None]
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value, now)
    return seconds if seconds >= 0 and not math.isnan(seconds) else None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        until = parsedate_to_datetime(date)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
