"""Service levels by prompt id and task class: one window beside the one before it.

Canaries are left out. A share is given with its interval, and only from the least support on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from prompt_lab.decide.normal import quantile
from prompt_lab.decide.shares import MeasuredShare, limit_difference
from prompt_lab.outcomes import OutcomeSummary
from prompt_lab.promptops.slo_records import ServiceLevel

LEVEL: Final = 0.95


@dataclass
class _Tally:
    calls: int = 0
    good: int = 0
    bad: int = 0
    up: int = 0
    down: int = 0
    grounded: float = 0.0
    grounded_calls: int = 0
    latency: float | None = None
    cost: float = 0.0
    costed: int = 0

    def add(self, one: OutcomeSummary, least: int) -> None:
        self.calls += one.calls
        self.good, self.bad = self.good + one.successes, self.bad + one.failures
        self.up, self.down = self.up + one.thumbs_up, self.down + one.thumbs_down
        self.cost, self.costed = self.cost + one.cost_usd, self.costed + one.costed
        if one.grounding is not None:
            self.grounded += one.grounding * one.calls
            self.grounded_calls += one.calls
        if one.latency_p95_ms is not None and one.calls >= least:
            self.latency = max(self.latency or 0.0, one.latency_p95_ms)


_Key = tuple[Literal["all", "task_class", "prompt", "prompt_and_class"], str, str]


def measure_levels(
    recent: Sequence[OutcomeSummary], before: Sequence[OutcomeSummary], least: int
) -> Iterator[ServiceLevel]:
    """Levels of all scopes that had a call in the recent window, in a fixed order."""
    now, then = _tally(recent, least), _tally(before, least)
    for key in sorted(now):
        yield _level(key, now[key], then.get(key, _Tally()), least)


def _tally(rows: Iterable[OutcomeSummary], least: int) -> dict[_Key, _Tally]:
    found: dict[_Key, _Tally] = {}
    for one in rows:
        if one.arm == "canary":
            continue
        keys: list[_Key] = [("all", "", ""), ("task_class", "", one.task_class)]
        if one.prompt_id:
            keys.append(("prompt", one.prompt_id, ""))
            keys.append(("prompt_and_class", one.prompt_id, one.task_class))
        for key in keys:
            found.setdefault(key, _Tally()).add(one, least)
    return found


def _level(key: _Key, now: _Tally, then: _Tally, least: int) -> ServiceLevel:
    scope, prompt_id, task_class = key
    decided, decided_then = now.good + now.bad, then.good + then.bad
    facts: dict[str, Any] = {}
    if decided >= least:
        share = now.good / decided
        low, high = wilson(share, decided)
        facts |= {"success": share, "success_low": low, "success_high": high}
        if decided_then >= least:
            delta = newcombe((share, decided), (then.good / decided_then, decided_then))
            facts |= dict(
                zip(
                    ("success_delta", "success_delta_low", "success_delta_high"), delta, strict=True
                )
            )
    if now.grounded_calls >= least:
        facts["grounding"] = mean = now.grounded / now.grounded_calls
        if then.grounded_calls >= least:
            # The variance of a share of sentences is at most that of 0/1 with the same mean.
            mean_then = then.grounded / then.grounded_calls
            delta = newcombe((mean, now.grounded_calls), (mean_then, then.grounded_calls))
            facts |= {"grounding_delta": delta[0], "grounding_delta_high": delta[2]}
    return ServiceLevel(
        scope=scope,
        prompt_id=prompt_id,
        task_class=task_class,
        calls=now.calls,
        decided=decided,
        latency_p95_ms=now.latency,
        cost_usd=now.cost / now.costed if now.costed >= least else None,
        thumbs_up=now.up,
        thumbs_down=now.down,
        **facts,
    )


def wilson(share: float, count: int, level: float = LEVEL) -> tuple[float, float]:
    """Limits of a share by the score interval (Wilson 1927).

    >>> [round(limit, 3) for limit in wilson(0.5, 100)]
    [0.404, 0.596]
    """
    low, high = MeasuredShare(share, count).limits(quantile(0.5 + level / 2))
    return max(0.0, low), min(1.0, high)


def newcombe(
    now: tuple[float, int], then: tuple[float, int], level: float = LEVEL
) -> tuple[float, float, float]:
    """(difference, low, high) of two shares, each (share, count); Newcombe 1998, method 10."""
    shares = MeasuredShare(*now), MeasuredShare(*then)
    low, high = limit_difference(*shares, quantile(0.5 + level / 2))
    return now[0] - then[0], low, high
