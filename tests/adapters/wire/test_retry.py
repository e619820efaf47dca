"""When a call is made again: a pure function, held against all that servers may ask for."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.retry import (
    FailedAttempts,
    ReadTimeout,
    RetryableError,
    RetryPolicy,
    read_retry_after,
    retry_delay,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("1.5", 1.5),
        ("inf", math.inf),
        ("-1", None),
        ("-inf", None),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 12:00:30 -9999", None),
        ("Sun, 99 Mar 99999 12:00:30 GMT", None),
    ],
)
def test_a_wish_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert read_retry_after({"retry-after": value}, NOW) == seconds


@given(st.text())
def test_no_wish_breaks_the_reader(value: str) -> None:
    seconds = read_retry_after({"retry-after": value}, NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(1, 4), st.none() | st.floats())
def test_a_pause_is_between_0_and_60_seconds(attempt: int, asked: float | None) -> None:
    delay = retry_delay(RetryPolicy(), FailedAttempts(attempt), asked)
    assert delay is not None
    assert 0 <= delay <= 60
    if asked is None or not asked >= 0:
        assert delay >= 0.5  # a wish that cannot be is no wish for no pause


def test_silence_ends_the_attempts_sooner_than_refusals() -> None:
    policy, failed = RetryPolicy(), FailedAttempts()
    for _ in range(4):
        failed = failed.add(RetryableError("busy"))
        assert retry_delay(policy, failed, None) is not None
    assert retry_delay(policy, failed.add(RetryableError("busy")), None) is None
    silent = FailedAttempts().add(ReadTimeout(1.0)).add(ReadTimeout(1.0))
    assert retry_delay(policy, silent, 0.0) is None
