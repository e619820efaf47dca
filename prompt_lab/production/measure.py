"""Before and after by prompt version: cost, failures, thumbs and messages of a session.

Observational: the paired trial is the evidence. A version that does worse is flagged, and a
policy may say that it is rolled back.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, sqrt
from typing import Literal

from pydantic import Field

from prompt_lab.config.base import Config
from prompt_lab.decide.normal import above
from prompt_lab.production.detector import (
    OpenSessions,
    agent_calls,
    has_failed,
    read_cost,
    tool_results,
    user_messages,
)
from prompt_lab.production.detectors.version_change import read_versions
from prompt_lab.production.rates import Moments, count_rejected, difference_interval, exceeds_other
from prompt_lab.production.version_records import MetricChange, VersionComparison
from prompt_lab.traces import Feedback, Trace

Z_95 = 1.959963984540054
MOST_VERSIONS = 50


class MeasurePolicy(Config):
    """When a deployed version counts as worse, and what then happens."""

    rollback: Literal["flag", "automatic"] = Field(
        default="flag", description="automatic: a version that does worse is rolled back"
    )
    level: float = Field(default=0.01, gt=0, lt=0.5, description="over all measures of a version")
    least_sessions: int = Field(default=20, ge=2, description="of each version")
    cost_increase: float = Field(default=0.10, ge=0, description="of a session that is tolerated")
    more_messages: float = Field(default=0.10, ge=0, description="of the user that are tolerated")


class VersionSessions:
    """Sessions that began under one version of a prompt, as far as they are closed."""

    def __init__(self) -> None:
        self.sessions = self.failures = self.thumbs_down = self.thumbs_up = 0
        self.cost, self.messages = Moments(), Moments()


class MeasuredSession:
    """One session while it is open."""

    def __init__(self) -> None:
        self.versions: dict[str, str] | None = None
        self.cost: float | None = None
        self.messages = 0
        self.failed = self.down = self.up = False


def measure_versions(
    traces: Iterable[Trace], feedback: Sequence[Feedback]
) -> dict[str, OrderedDict[str, VersionSessions]]:
    """Prompt id -> version -> its sessions, the one that came into use last is the last.

    A session belongs to the versions that it began under. It failed if its reward is below 1/2;
    without a reward, if its last model call or its last tool call failed.
    """
    found: dict[str, OrderedDict[str, VersionSessions]] = {}
    thumbs = {one.trace_id: one.thumb for one in feedback}

    def close(session: MeasuredSession) -> None:
        for name, version in (session.versions or {}).items():
            if version in found[name]:
                _add_session(found[name][version], session)

    sessions: OpenSessions[MeasuredSession] = OpenSessions(MeasuredSession, close)
    for trace in traces:
        session = sessions.find_state(trace)
        if session.versions is None:
            session.versions = read_versions(trace)
            for name, version in session.versions.items():
                known = found.setdefault(name, OrderedDict())
                known.setdefault(version, VersionSessions())
                known.move_to_end(version)  # a version that was rolled back to is the newest
                if len(known) > MOST_VERSIONS:
                    known.popitem(last=False)
        _read_trace(session, trace, thumbs.get(trace.trace_id))
    sessions.close_all()
    return found


def _read_trace(session: MeasuredSession, trace: Trace, thumb: str | None) -> None:
    cost = read_cost(trace)
    if cost is not None:
        session.cost = (session.cost or 0.0) + cost
    session.messages += len(user_messages(trace))
    calls, results, outcome = agent_calls(trace), tool_results(trace), trace.payload.outcome
    if outcome is not None:
        session.failed = outcome < 0.5
    elif calls or results:
        session.failed = bool(calls and calls[-1].error) or bool(
            results and has_failed(results[-1])
        )
    session.down = session.down or thumb == "down"
    session.up = session.up or thumb == "up"


def _add_session(totals: VersionSessions, session: MeasuredSession) -> None:
    totals.sessions += 1
    totals.failures += session.failed
    totals.thumbs_down += session.down
    totals.thumbs_up += session.up
    totals.messages = totals.messages.add(session.messages)
    if session.cost is not None:
        totals.cost = totals.cost.add(session.cost)


def compare_versions(
    prompt_id: str,
    versions: Mapping[str, VersionSessions],
    *,
    after: str = "",
    before: str = "",
    policy: MeasurePolicy | None = None,
) -> VersionComparison | None:
    """The last version against the one before it, or the two that are named.

    None if there are not two. A measure is worse if its p value is at most the policy's level by
    Holm's procedure over the measures, and both versions have enough sessions.
    """
    policy = policy or MeasurePolicy()
    order = list(versions)
    after = after or (order[-1] if order else "")
    at = order.index(after) if after in order else 0
    before = before or (order[at - 1] if at else "")
    if before not in versions or after not in versions or before == after:
        return None
    old, new = versions[before], versions[after]
    found = [
        _compare_means("cost", new.cost, old.cost, policy.cost_increase),
        _compare_rates("failures", (new.failures, new.sessions), (old.failures, old.sessions)),
        _compare_rates(
            "thumbs down", (new.thumbs_down, new.sessions), (old.thumbs_down, old.sessions)
        ),
        _compare_means("messages", new.messages, old.messages, policy.more_messages),
    ]
    metrics = [one for one in found if one]
    if min(old.sessions, new.sessions) >= policy.least_sessions:
        metrics = _flag(metrics, policy.level)
    return VersionComparison(
        prompt_id=prompt_id,
        before=before,
        after=after,
        sessions_before=old.sessions,
        sessions_after=new.sessions,
        metrics=tuple(metrics),
    )


def _flag(metrics: Sequence[MetricChange], level: float) -> list[MetricChange]:
    """Holm's procedure over the measures."""
    ordered = sorted(metrics, key=lambda one: one.p_value)
    rejected = count_rejected([one.p_value for one in ordered], level)
    worse = {one.name for one in ordered[:rejected]}
    return [one.model_copy(update={"is_worse": one.name in worse}) for one in metrics]


def _compare_rates(name: str, new: tuple[int, int], old: tuple[int, int]) -> MetricChange | None:
    if not new[1] or not old[1]:
        return None
    rates = new[0] / new[1], old[0] / old[1]
    return MetricChange(
        name=name,
        before=rates[1],
        after=rates[0],
        change=rates[0] - rates[1],
        interval=difference_interval(new, old),
        p_value=exceeds_other(new, old),
    )


def _compare_means(name: str, new: Moments, old: Moments, margin: float) -> MetricChange | None:
    """The ratio of two means by the delta method on its logarithm; margin is its tolerated excess.

    Source: Cochran 1977, 6.4; None where a mean is unknown or zero.
    """
    if not (new.size and old.size and new.mean > 0 and old.mean > 0):
        return None
    ratio = log(new.mean / old.mean)
    error = sqrt(new.error / new.mean**2 + old.error / old.mean**2)
    known = 0 < error < float("inf")
    interval = (exp(ratio - Z_95 * error) - 1, exp(ratio + Z_95 * error) - 1) if known else None
    return MetricChange(
        name=name,
        before=old.mean,
        after=new.mean,
        change=exp(ratio) - 1,
        interval=interval,
        p_value=above((ratio - log(1 + margin)) / error) if known else 1.0,
    )
