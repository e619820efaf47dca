"""Run the detectors over a stream of traces, under one limit on false findings.

The limit: in a month without faults, the chance of any finding that rests on a test is at most
`level`, over all detectors and reviews together. Within a review Holm's step-down procedure (1979)
holds it whatever the tests share; a review spends the part of the level that its window is of a
month (Bonferroni over the reviews), so that a daily review may be run each day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points
from typing import Final, NamedTuple

from prompt_lab.clock import write_time
from prompt_lab.errors import ConfigError, UnknownName
from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.production.channel_messages import add_unanswered
from prompt_lab.production.detector import (
    DetectionContext,
    DetectionPolicy,
    Detector,
    agent_calls,
    parse_time,
)
from prompt_lab.production.rates import count_rejected
from prompt_lab.reviews import Finding, Goal
from prompt_lab.traces import Feedback, Trace, Window

GROUP: Final = "prompt_lab.detectors"
MONTH_DAYS: Final = 30.0
HISTORY_DAYS: Final = 30
MOST_HISTORY: Final = 3_000
_HERE = "prompt_lab.production.detectors"
DETECTORS: Final = {
    "tool_failures": f"{_HERE}.tool_failures:ToolFailures",
    "mostly_failing_tools": f"{_HERE}.mostly_failing_tools:MostlyFailingTools",
    "error_answers": f"{_HERE}.error_answers:ErrorAnswers",
    "repeated_requests": f"{_HERE}.repeated_requests:RepeatedRequests",
    "long_sessions": f"{_HERE}.long_sessions:LongSessions",
    "thumbs_down": f"{_HERE}.thumbs_down:ThumbsDown",
    "unused_tools": f"{_HERE}.unused_tools:UnusedTools",
    "version_change": f"{_HERE}.version_change:VersionChange",
    "slow_models": f"{_HERE}.slow_models:SlowModels",
    "dear_models": f"{_HERE}.dear_models:DearModels",
    "large_sections": f"{_HERE}.large_sections:LargeSections",
    "unused_context": f"{_HERE}.unused_context:UnusedContext",
    "repeated_blocks": f"{_HERE}.repeated_blocks:RepeatedBlocks",
}
"""Ours, in the order of a review. Others are entry points of the group GROUP."""
_GOALS = tuple(Goal)


class Detection(NamedTuple):
    """What a review found, and how many hypotheses it tested."""

    findings: list[Finding]
    tested: int
    level: float
    """What this review spent of the month's level."""
    traces: int
    """Those of the window."""
    history: int
    """Those from before it."""
    measured: list[Finding]
    """Every hypothesis that was tested and every fact, also what is no finding."""


def detect(
    traces: Iterable[Trace],
    feedback: Sequence[Feedback],
    prompts: Mapping[str, str],
    *,
    window: Window,
    level: float = 0.05,
    policy: DetectionPolicy | None = None,
    earlier_prompts: Mapping[str, str] | None = None,
) -> list[Finding]:
    """The findings of a window, by goal, the strongest evidence first. See `run_detectors`."""
    return run_detectors(
        traces,
        feedback,
        prompts,
        window=window,
        level=level,
        policy=policy,
        earlier_prompts=earlier_prompts,
    ).findings


def run_detectors(
    traces: Iterable[Trace],
    feedback: Sequence[Feedback],
    prompts: Mapping[str, str],
    *,
    window: Window,
    level: float = 0.05,
    policy: DetectionPolicy | None = None,
    earlier_prompts: Mapping[str, str] | None = None,
) -> Detection:
    """What is wrong in a window of production.

    `traces` come by time and are read once; those from before the window are its history, which
    says what is usual and what was ever called. `prompts` maps prompt ids to their current texts;
    `earlier_prompts` maps versions (or their first 8 characters) to texts, so that a rollback can
    be proposed. Raises ConfigError where a detector cannot be loaded.
    """
    policy = policy or DetectionPolicy()
    thumbs = {one.trace_id: one.thumb for one in feedback}
    context = DetectionContext(window, prompts, thumbs, policy, earlier_prompts or {})
    detectors = load_detectors(context)
    current = history = 0
    for trace in traces:
        if trace.created_at >= window.end:
            break
        current += trace.created_at >= window.start
        history += trace.created_at < window.start
        for call in agent_calls(trace):
            context.prices.add(call)
        for detector in detectors.values():
            detector.read_trace(trace)
    found = [finding for detector in detectors.values() for finding in detector.find()]
    spent = level * min(1.0, context.days / MONTH_DAYS)
    tested = sum(finding.evidence.p_value is not None for finding in found)
    kept_findings = _drop_replaced(select_findings(found, spent), detectors)
    return Detection(kept_findings, tested, spent, current, history, found)


def detect_in_store(
    store: TraceStore,
    prompts: Mapping[str, str],
    *,
    window: Window,
    level: float = 0.05,
    policy: DetectionPolicy | None = None,
    earlier_prompts: Mapping[str, str] | None = None,
) -> Detection:
    """`run_detectors` over the window and its history: 30 days, or at most 3,000 traces of them.

    Messages of users that no trace has count with their next trace.
    """
    span = Window(find_history_start(store, window), window.end)
    return run_detectors(
        add_unanswered(store.read(span), store.read_messages(span)),
        store.read_feedback(span),
        prompts,
        window=window,
        level=level,
        policy=policy,
        earlier_prompts=earlier_prompts,
    )


def find_history_start(
    store: TraceStore, window: Window, *, days: int = HISTORY_DAYS, most: int = MOST_HISTORY
) -> str:
    """The earliest time from which on at most `most` traces precede the window; to the hour."""
    end = parse_time(window.start)
    low, high = 0, days * 24  # hours of history: `low` fits, from `high` + 1 on is not wanted
    while low < high:
        hours = (low + high + 1) // 2
        if store.count(Window(write_time(end - timedelta(hours=hours)), window.start)) <= most:
            low = hours
        else:
            high = hours - 1
    return write_time(end - timedelta(hours=low)) if low else window.start


def load_detectors(context: DetectionContext) -> dict[str, Detector]:
    """Name -> a new detector, without those that the policy switches off.

    Raises UnknownName for an unknown name there, ConfigError where one cannot be imported.
    """
    ours = {name: EntryPoint(name, path, GROUP) for name, path in DETECTORS.items()}
    every = {**{point.name: point for point in entry_points(group=GROUP)}, **ours}
    for name in context.policy.off:
        if name not in every:
            raise UnknownName("detector", name, every, "the production section of lab.yaml")
    loaded: dict[str, Detector] = {}
    for name, point in every.items():
        if name in context.policy.off:
            continue
        try:
            loaded[name] = point.load()(context)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                [f"detector {name!r} ({point.value}) cannot be imported: {error}"]
            ) from error
    return loaded


def select_findings(found: Sequence[Finding], level: float) -> list[Finding]:
    """Facts, and the hypotheses that Holm's procedure rejects at `level`, by goal and strength."""
    tests = sorted(
        (finding for finding in found if finding.evidence.p_value is not None),
        key=lambda finding: finding.evidence.p_value or 0.0,
    )
    facts = [finding for finding in found if finding.evidence.p_value is None]
    rejected = count_rejected([finding.evidence.p_value or 0.0 for finding in tests], level)
    return sorted([*facts, *tests[:rejected]], key=_rank)


def _rank(finding: Finding) -> tuple[int, float, float, str]:
    evidence = finding.evidence
    strength = 0.0 if evidence.p_value is None else evidence.p_value
    return (
        _GOALS.index(finding.goal),
        -(evidence.usd_per_day or 0.0),
        strength,
        finding.identity,
    )


def _drop_replaced(findings: list[Finding], detectors: Mapping[str, Detector]) -> list[Finding]:
    replaced = {
        f"{other}:{finding.key}"
        for finding in findings
        for other in getattr(detectors.get(finding.detector), "replaces", ())
    }
    proposed: set[tuple[str, str]] = set()
    kept_findings = []
    for finding in findings:
        change = (finding.prompt_key, finding.prompt_text)
        if finding.identity in replaced or (finding.prompt_text and change in proposed):
            continue  # the same change is proposed once, for its strongest reason
        proposed.add(change)
        kept_findings.append(finding)
    return kept_findings
