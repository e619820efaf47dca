"""The metric row of a prepare, and the ids and times in it."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import Any

from prompt_lab.clock import write_time
from prompt_lab.promptops.metric_log import describe_outcome
from prompt_lab.promptops.records import PromptPrepared, metric_row


def describe_prepared(
    task_class: str,
    prepared: PromptPrepared,
    unit: str,
    times: tuple[str, float],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The metric row of one prepare. `times`: UTC, and the milliseconds that it took."""
    when, taken = times
    known = describe_outcome(prepared.trace, when, facts) if facts else {}
    return known | metric_row(
        "prepare_prompt",
        when,
        trace=prepared.trace,
        task_class=task_class,
        prompt_id=prepared.prompt_id,
        snapshot=prepared.snapshot,
        variant=prepared.variant,
        arm=prepared.arm,
        applied=prepared.applied,
        strategy=prepared.strategy,
        reason=prepared.reason,
        unit=unit,
        latency_ms=round(taken, 4),
        promptops_used=True,
    )


def show_time(moment: str | float) -> str:
    """A time as rows hold it; a number is seconds since 1970.

    >>> show_time(0.0), show_time("2026-01-01T00:00:00.000Z")
    ('1970-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')
    """
    return moment if isinstance(moment, str) else write_time(datetime.fromtimestamp(moment, UTC))


@lru_cache(maxsize=4096)
def hash_unit(unit: str) -> str:
    """Who asked, as rows hold it: the beginning of its sha256."""
    return sha256(unit.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def make_traces() -> Callable[[], str]:
    """Makes ids that no other process makes: 96 random bits, and a number.

    >>> first, second = map(lambda make: make(), [make_traces()] * 2)
    >>> first.partition("-")[0] == second.partition("-")[0], first == second
    (True, False)
    """
    prefix, number, process = os.urandom(12).hex(), count(1), os.getpid()

    def make_trace() -> str:
        nonlocal prefix, process
        if os.getpid() != process:  # a fork would repeat its parent's ids
            prefix, process = os.urandom(12).hex(), os.getpid()
        return f"{prefix}-{next(number)}"

    return make_trace
