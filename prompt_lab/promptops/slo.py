"""Service levels by prompt id and task class, and what became of the rounds: artifacts/slo.json.

Levels compare the last window with the one before it, canaries left out. A share is given with its
interval, and only from the least support on. Promotions and rollbacks are those of the last 28
days. `docs/promptops_slo.schema.json` is the schema of the report.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field

from prompt_lab.clock import write_time
from prompt_lab.config.promptops import PromptOpsConfig, SloConfig
from prompt_lab.decide.normal import quantile
from prompt_lab.decide.shares import MeasuredShare, limit_difference
from prompt_lab.outcomes import OutcomeSummary
from prompt_lab.promptops.journal import read_journal
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_rows, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_verify import list_changes
from prompt_lab.traces import Window

CHANGES_DAYS: Final = 28
CHURN_DAYS: Final = 7
LEVEL: Final = 0.95
Summarise = Callable[[Window], list[OutcomeSummary]]
AlertCode = Literal[
    "stale_metrics",
    "success_regressed",
    "grounding_fell",
    "latency_exceeded",
    "cost_exceeded",
    "rollback_rate",
    "template_churn",
]
_TAIL_BYTES: Final = 1 << 16


class ServiceLevel(Record):
    """Calls of one prompt, one task class, both, or all; None: too few calls, or none measured.

    Deltas are this window less the one before, with limits at 95 % (Newcombe 1998, method 10).
    """

    scope: Literal["all", "task_class", "prompt", "prompt_and_class"]
    prompt_id: str = ""
    task_class: str = ""
    calls: int
    decided: int = Field(description="calls whose success is known")
    success: float | None = None
    success_low: float | None = None
    success_high: float | None = None
    success_delta: float | None = None
    success_delta_low: float | None = None
    success_delta_high: float | None = None
    grounding: float | None = None
    grounding_delta: float | None = None
    grounding_delta_high: float | None = None
    latency_p95_ms: float | None = Field(
        default=None, description="the worst of its variants that have enough calls"
    )
    cost_usd: float | None = Field(default=None, description="mean of a call")
    thumbs_up: int = 0
    thumbs_down: int = 0

    @property
    def name(self) -> str:
        """For a line of text.

        >>> ServiceLevel(scope="prompt", prompt_id="query", calls=0, decided=0).name
        'query'
        """
        return ", ".join(filter(None, (self.prompt_id, self.task_class))) or "all calls"


class PromotionRates(Record):
    """What became of one prompt's rounds in the last 28 days; a rate is None where none was."""

    prompt_id: str
    rounds: int = 0
    canaries: int = 0
    aborted: int = Field(default=0, description="canaries that the live traffic ended")
    promotions: int = 0
    forced: int = 0
    rollbacks: int = 0
    win_rate: float | None = Field(default=None, description="promotions of the rounds")
    rollback_rate: float | None = Field(default=None, description="rollbacks of the promotions")
    churn_per_week: float = Field(default=0.0, description="promotions in the last 7 days")


class SloAlert(Record):
    """A limit that is missed: its code, where, and what helps."""

    code: AlertCode
    where: str
    text: str


class SloReport(Record):
    """promptops/artifacts/slo.json."""

    version: int = VERSION
    when: str
    window_hours: float
    last_metric: str = Field(description="time of the newest metric row or outcome; '' for none")
    levels: tuple[ServiceLevel, ...]
    changes: tuple[PromotionRates, ...]
    alerts: tuple[SloAlert, ...]

    @property
    def is_stale(self) -> bool:
        """Whether the figures are too old to say anything."""
        return any(one.code == "stale_metrics" for one in self.alerts)


class SloSource(NamedTuple):
    """A lab with what sums up its outcome log (OutcomeStore.summary)."""

    lab: Lab
    summarise: Summarise


def measure_slos(source: SloSource, config: PromptOpsConfig, *, now: str) -> SloReport:
    """The report at a time. Raises StoreError for files of the registry that are damaged."""
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
        *_check_levels(levels, config.slo),
        *_check_changes(changes, config.slo),
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


def find_stale(last: str, now: str, limits: SloConfig) -> Iterator[SloAlert]:
    """The alert where nothing was written for too long: levels of old rows say nothing of today."""
    if last:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(last)
        if age <= timedelta(hours=limits.stale_hours):
            return
    since = f"no metric row since {last}" if last else "no metric row was ever written"
    fix = "see that callers use prepare and record_outcome, and that promptops/ can be written"
    yield SloAlert(code="stale_metrics", where="promptops/metrics.jsonl", text=f"{since}: {fix}")


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


def _check_levels(levels: Sequence[ServiceLevel], limits: SloConfig) -> Iterator[SloAlert]:
    for one in levels:
        if one.scope == "prompt_and_class":
            yield from _check_level(one, limits)


def _check_level(one: ServiceLevel, limits: SloConfig) -> Iterator[SloAlert]:
    """A fall counts where it exceeds the limit and its interval excludes that nothing fell."""
    delta, high = one.success_delta, one.success_delta_high
    if delta is not None and high is not None and delta < -limits.success_drop and high < 0:
        text = f"success fell by {-delta:.1%} (at most {limits.success_drop:.1%}): compare with"
        text += " `prompt-lab prompts history`, and roll the last promotion back if it is the cause"
        yield SloAlert(code="success_regressed", where=one.name, text=text)
    delta, high = one.grounding_delta, one.grounding_delta_high
    if delta is not None and high is not None and delta < -limits.grounding_drop and high < 0:
        text = f"grounding fell by {-delta:.1%} (at most {limits.grounding_drop:.1%}): see that"
        text += " sources reach the prompt, and that it still asks for citations"
        yield SloAlert(code="grounding_fell", where=one.name, text=text)
    if one.latency_p95_ms is not None and one.latency_p95_ms > limits.latency_ms:
        text = f"95 % of the calls end within {one.latency_p95_ms:,.0f} ms, and the limit is"
        text += f" {limits.latency_ms:,.0f} ms: take a shorter prompt or a faster model"
        yield SloAlert(code="latency_exceeded", where=one.name, text=text)
    if one.cost_usd is not None and one.cost_usd > limits.cost_usd:
        text = f"a call costs ${one.cost_usd:.4f}, and the limit is ${limits.cost_usd:.4f}: take a"
        text += " shorter prompt or a cheaper model"
        yield SloAlert(code="cost_exceeded", where=one.name, text=text)


def _check_changes(changes: Sequence[PromotionRates], limits: SloConfig) -> Iterator[SloAlert]:
    for one in changes:
        rate = one.rollback_rate
        if rate is not None and one.rollbacks > 1 and rate > limits.rollback_rate:
            text = f"{one.rollbacks} of {one.promotions} promotions were rolled back: grow the"
            text += " challenge set by the calls that failed, before the next round"
            yield SloAlert(code="rollback_rate", where=one.prompt_id, text=text)
        if one.churn_per_week > limits.churn_per_week:
            text = f"{one.churn_per_week:.0f} promotions in a week, at most"
            text += (
                f" {limits.churn_per_week:g}: switch the optimizer off until they are understood"
            )
            yield SloAlert(code="template_churn", where=one.prompt_id, text=text)


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
