"""Service levels by prompt id and task class, and what became of the rounds: artifacts/slo.json.

Levels compare the last window with the one before it, canaries left out. Promotions and rollbacks
are those of the last 28 days.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from prompt_lab.clock import write_time
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.outcomes import OutcomeSummary
from prompt_lab.promptops.canary import running_canaries
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.slo_alerts import (
    check_canaries,
    check_changes,
    check_levels,
    find_stale,
)
from prompt_lab.promptops.slo_levels import measure_levels
from prompt_lab.promptops.slo_records import PromotionRates, SloReport
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.store.files import read_rows, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_verify import list_changes
from prompt_lab.traces import Window

CHANGES_DAYS: Final = 28
CHURN_DAYS: Final = 7
Summarise = Callable[[Window], list[OutcomeSummary]]
_TAIL_BYTES: Final = 1 << 16


class SloSource(NamedTuple):
    """A lab with what sums up its outcome log (OutcomeStore.summary)."""

    lab: Lab
    summarise: Summarise


def measure_slos(source: SloSource, config: PromptOpsConfig, *, now: str) -> SloReport:
    """The report at a time. Raises StoreError where a file of registry or canary is damaged."""
    time = datetime.fromisoformat(now)
    hours = timedelta(hours=config.slo.window_hours)
    start, earlier = write_time(time - hours), write_time(time - 2 * hours)
    recent = source.summarise(Window(start, write_time(time + timedelta(milliseconds=1))))
    before = source.summarise(Window(earlier, start))
    levels = tuple(measure_levels(recent, before, config.least_support))
    changes = tuple(count_changes(source.lab, now))
    last = _last_metric(source.lab, [one.last for one in (*before, *recent)], time)
    alerts = (
        *find_stale(last, now, config.slo),
        *check_levels(levels, config.slo),
        *check_changes(changes, config.slo),
        *check_canaries(running_canaries(source.lab)),
    )
    return SloReport(
        when=now,
        window_hours=config.slo.window_hours,
        last_metric=last,
        levels=levels,
        changes=changes,
        alerts=alerts,
    )


def write_slos(lab: Lab, report: SloReport) -> None:
    """Keep the report as promptops/artifacts/slo.json."""
    write_record(lab.root / "promptops" / "artifacts" / "slo.json", report)


def count_changes(lab: Lab, now: str) -> list[PromotionRates]:
    """Rounds, canaries, promotions and rollbacks of each prompt in the last 28 days."""
    time = datetime.fromisoformat(now)
    start = write_time(time - timedelta(days=CHANGES_DAYS))
    week = write_time(time - timedelta(days=CHURN_DAYS))
    counts: dict[str, dict[str, int]] = {}

    def add(prompt_id: str, what: str) -> None:
        known = counts.setdefault(prompt_id, {})
        known[what] = known.get(what, 0) + 1

    events = {"round_ended": "rounds", "canary_started": "canaries", "canary_aborted": "aborted"}
    for event in read_journal(lab):
        what = events.get(str(event.get("event")))
        if what and start <= str(event.get("when", "")) <= now and event.get("prompt_id"):
            add(str(event["prompt_id"]), what)
    kinds = {
        PromotionKind.PROMOTE: "promotions",
        PromotionKind.FORCE: "forced",
        PromotionKind.ROLLBACK: "rollbacks",
    }
    files = PromptFiles(lab.root / "prompts")
    for row in files.read_journal():
        if row.git is not None or row.kind not in kinds or not start <= row.when <= now:
            continue
        for prompt_id in list_changes(files, row):
            add(prompt_id, kinds[row.kind])
            if row.kind is PromotionKind.PROMOTE and row.when >= week:
                add(prompt_id, "churn")
    return [_rates(prompt_id, counts[prompt_id]) for prompt_id in sorted(counts)]


def _rates(prompt_id: str, counts: dict[str, int]) -> PromotionRates:
    churn = counts.pop("churn", 0)
    rounds, promotions = counts.get("rounds", 0), counts.get("promotions", 0)
    return PromotionRates(
        prompt_id=prompt_id,
        **counts,
        win_rate=min(1.0, promotions / rounds) if rounds else None,
        rollback_rate=min(1.0, counts.get("rollbacks", 0) / promotions) if promotions else None,
        churn_per_week=float(churn),
    )


def _last_metric(lab: Lab, times: Iterable[str], now: datetime) -> str:
    """The newest time that is not in the future; '' for none."""
    rows = read_rows(lab.root / "promptops" / "metrics.jsonl", _TAIL_BYTES)
    found = []
    for given in (*times, *(row.get("ts") for row in rows)):
        try:
            time = datetime.fromisoformat(str(given))
        except ValueError:
            continue
        if time.tzinfo is not None and time <= now + timedelta(minutes=1):
            found.append(time)
    return write_time(max(found)) if found else ""


def render_slos(report: SloReport) -> str:
    """The report as lines for a terminal."""
    head = f"Service levels at {report.when}, the last {report.window_hours:g} h:"
    lines = [head]
    for one in report.levels:
        if one.scope != "prompt_and_class":
            continue
        parts = [f"{one.calls} calls"]
        if one.success is None:
            parts.append("too few calls for a rate")
        else:
            parts.append(
                f"success {one.success:.1%} ({one.success_low:.1%} to {one.success_high:.1%})"
            )
        if one.success_delta is not None:
            parts.append(f"change {one.success_delta:+.1%}")
        if one.latency_p95_ms is not None:
            parts.append(f"p95 {one.latency_p95_ms:,.0f} ms")
        lines.append(f"  {one.name}: {', '.join(parts)}")
    for change in report.changes:
        lines.append(
            f"  {change.prompt_id}: {change.rounds} rounds, {change.promotions} promotions,"
            f" {change.aborted} canaries aborted, {change.rollbacks} rollbacks"
        )
    lines += [f"  ALERT {one.code}: {one.where}: {one.text}" for one in report.alerts]
    return "\n".join(lines)
