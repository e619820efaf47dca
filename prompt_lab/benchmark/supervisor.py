"""The supervisor's table: accuracies with intervals, patterns and variance of repeated runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, pvariance

import numpy as np

from prompt_lab.benchmark.interval import clustered_interval
from prompt_lab.benchmark.records import Excluded, ModelPhaseResult, PlanResult, RepeatResult
from prompt_lab.records import RunKey, RunRecord
from prompt_lab.store.batch import PlannedRun


@dataclass(frozen=True)
class SuiteRun:
    """One run of a suite: what was planned, and the record that lies there, if any."""

    planned: PlannedRun
    record: RunRecord | None
    batch: str = ""
    """The batch that the run's folder was claimed for; it carries the id of the invocation."""


ENDED_BADLY = ("exit_code", "died", "import_failed", "no_command")
"""Kinds of a run's error which mean that the step's process did not end with exit code 0."""


def why_excluded(run: SuiteRun, ours: Mapping[str, PlannedRun], batch: str = "") -> str | None:
    """Why a run scores nothing, or None where it counts.

    A result counts only if its run ended with exit code 0, belongs to this invocation and is
    complete. It belongs by the batch that its folder was claimed for and by its content key, never
    by its file's name.
    """
    planned = ours.get(run.planned.path)
    if planned is None:
        return "belongs to another invocation"
    if run.record is None:
        return "its run has not finished"
    if run.batch != batch:
        return f"its folder was claimed for {run.batch or 'no batch'}, not for {batch or 'this'}"
    record = run.record
    if record.error is not None and record.error.kind in ENDED_BADLY:
        return f"its run did not end with exit code 0: {record.error.summary}"
    same = (record.model, record.plan, record.replicate, record.content_key)
    wanted = (planned.model, planned.plan, planned.replicate, planned.content_key)
    if same != wanted:
        return "its record is of another run"
    return None


def summarize_model(
    runs: Sequence[SuiteRun],
    ours: Mapping[str, PlannedRun],
    *,
    phase: str,
    part: str,
    pass_score: float,
    batch: str = "",
) -> ModelPhaseResult:
    """The table's row of one model. `part` is the part of the score that is held against
    `pass_score`."""
    reasons = {run.planned.path: why_excluded(run, ours, batch) for run in runs}
    out = tuple(
        Excluded(run=path, reason=why) for path, why in sorted(reasons.items()) if why is not None
    )
    kept = [
        run.record for run in runs if run.record is not None and reasons[run.planned.path] is None
    ]
    paths = {(r.planned.plan, r.planned.replicate): r.planned.path for r in runs}
    passes = {r.key: r.scores.get(part, 0.0) >= pass_score for r in kept}
    by_plan: dict[str, list[RunRecord]] = {}
    for record in sorted(kept, key=lambda r: r.replicate):
        by_plan.setdefault(record.plan, []).append(record)
    interval = clustered_interval([[passes[r.key] for r in rows] for rows in by_plan.values()])
    repeats = _repeats(kept, passes)
    seconds = [record.duration_seconds for record in kept]
    return ModelPhaseResult(
        model=runs[0].planned.model if runs else "",
        phase=phase,
        passed=sum(passes.values()),
        total=len(kept),
        accuracy=interval.accuracy if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        effective=interval.effective if interval else 0.0,
        variance_within=_variance_within([[passes[r.key] for r in p] for p in by_plan.values()]),
        variance_between=pvariance([r.accuracy for r in repeats]) if repeats else 0.0,
        valid_answers=sum(record.valid for record in kept),
        answered_by=tuple(
            sorted({name for r in kept for name in r.answered_by.split(", ") if name})
        ),
        plans=tuple(
            PlanResult(
                plan=plan,
                pattern=to_pattern([passes[r.key] for r in rows]),
                runs=tuple(paths[plan, r.replicate] for r in rows),
                cost_usd=sum(r.usage.cost_usd for r in rows),
            )
            for plan, rows in sorted(by_plan.items())
        ),
        repeats=repeats,
        excluded=out,
        calls=sum(record.usage.calls for record in kept),
        cost_usd=sum(record.usage.cost_usd for record in kept),
        latency_median=median(seconds) if seconds else None,
        latency_p90=float(np.quantile(seconds, 0.9)) if seconds else None,
    )


def to_pattern(passes: Sequence[bool]) -> str:
    """Passes and failures in their order.

    >>> to_pattern([False, False, True])
    'FFP'
    """
    return "".join("P" if one else "F" for one in passes)


def _repeats(
    records: Sequence[RunRecord], passes: Mapping[RunKey, bool]
) -> tuple[RepeatResult, ...]:
    found = []
    for repeat in sorted({record.replicate for record in records}):
        rows = sorted((r for r in records if r.replicate == repeat), key=lambda r: r.started)
        pattern = [passes[row.key] for row in rows]
        found.append(
            RepeatResult(repeat=repeat, pattern=to_pattern(pattern), accuracy=fmean(pattern))
        )
    return tuple(found)


def _variance_within(plans: Sequence[Sequence[bool]]) -> float:
    """The mean over plans of the variance among the plan's repeats."""
    return fmean([pvariance([float(x) for x in one]) for one in plans]) if plans else 0.0


def render_supervisor_table(results: Sequence[ModelPhaseResult]) -> str:
    """The table as a person reads it in a terminal."""
    lines = []
    for row in results:
        if row.accuracy is None or row.low is None or row.high is None:
            lines.append(f"  {row.key}: {row.validity}: no result")
        else:
            lines.append(
                f"  {row.key}: {row.passed} of {row.total} ({row.accuracy:.1%}, 95 % interval"
                f" {row.low:.1%} to {row.high:.1%}), {row.validity}"
            )
            lines.append(
                f"    variance within plans {row.variance_within:.3f}, between repeats"
                f" {row.variance_between:.4f}; {row.calls} calls, ${row.cost_usd:.4f},"
                f" median {row.latency_median or 0:.2f} s, 90 % {row.latency_p90 or 0:.2f} s"
            )
            by_position = " ".join(f"[{repeat.pattern}]" for repeat in row.repeats)
            lines.append(f"    by position {by_position}")
            flaky = [f"{plan.plan} [{plan.pattern}]" for plan in row.plans if plan.is_flaky]
            lines.append(f"    flaky: {', '.join(flaky) or 'no plan'}")
        lines += [f"    {reason}" for reason in row.reasons]
        lines += [f"    not scored: {one.run}: {one.reason}" for one in row.excluded]
    return "\n".join(lines)
