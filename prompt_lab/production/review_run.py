"""One daily review: its folder under lab/reviews, and what it observes and detects.

Each use case writes one file. What a file fixed, later steps and repeated commands take from it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

from pydantic import Field

from prompt_lab.clock import write_time
from prompt_lab.errors import ConfigError, LabError
from prompt_lab.experiments.challenge_files import erase_plans
from prompt_lab.experiments.context import LabContext
from prompt_lab.ports.trace_store import ReviewStore, TraceStore
from prompt_lab.production.detect import Detection, detect_in_store
from prompt_lab.production.detector import parse_time
from prompt_lab.production.settings import detection_policy
from prompt_lab.records import VERSION, Record
from prompt_lab.reviews import Finding
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_verdicts import open_registry
from prompt_lab.traces import VersionUsage, Window

OBSERVED, FINDINGS, ANALYSIS = "observed.json", "findings.json", "analysis.json"
TRIALS, MEASURED, DEPLOYED = "trials.json", "measured.json", "deployed.json"
NOTIFIED = "notified.json"
FIX = "Remove it; the same command makes it again"
_FOLDER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_([1-9][0-9]*)")


class Observed(Record):
    """observed.json: what the review looks at, fixed once."""

    version: int = VERSION
    at: str = Field(description="when the review is made; the end of its window, UTC")
    window_hours: float
    traces: int
    sessions: int
    average_cost_usd: float | None = Field(description="of a session; None where none has a cost")
    prompts: dict[str, str] = Field(description="prompt id -> sha256 of its text at that time")
    usage: tuple[VersionUsage, ...] = ()
    expired: int = Field(default=0, description="traces that were deleted for their age")

    @property
    def window(self) -> Window:
        """The window as the store takes it."""
        return window_before(self.at, self.window_hours)


class Findings(Record):
    """findings.json: what the detectors found, and all that they measured."""

    version: int = VERSION
    findings: tuple[Finding, ...]
    measured: tuple[Finding, ...]
    tested: int
    level: float
    history: int


@dataclass(frozen=True)
class ReviewRun:
    """A review on one lab. `name` is its folder: <date>_<n>."""

    context: LabContext
    traces: TraceStore
    reviews: ReviewStore
    name: str
    now: str
    window_hours: float = 24.0
    analyst_traces: int = 200

    @property
    def folder(self) -> Path:
        """The review's folder."""
        return reviews_folder(self.context.lab) / self.name

    def read_observed(self) -> Observed:
        """What was observed. Raises StoreError."""
        return read_record(self.folder / OBSERVED, Observed, fix=FIX)

    def read_findings(self) -> Findings:
        """What was detected. Raises StoreError."""
        return read_record(self.folder / FINDINGS, Findings, fix=FIX)


def reviews_folder(lab: Lab) -> Path:
    """Where the files of all reviews are."""
    return lab.root / "reviews"


def resolve_review(lab: Lab, date: str, *, again: bool = False) -> str:
    """The name of the review that a command of that date means: the newest one of the date.

    `again` means a new one where that one has been notified.
    """
    root = reviews_folder(lab)
    found = [_FOLDER.fullmatch(path.name) for path in root.iterdir()] if root.is_dir() else []
    numbers = sorted(int(one[2]) for one in found if one and one[1] == date)
    if not numbers:
        return f"{date}_1"
    newest = f"{date}_{numbers[-1]}"
    is_done = (root / newest / NOTIFIED).exists()
    return f"{date}_{numbers[-1] + 1}" if again and is_done else newest


def check_review(name: str) -> None:
    """Raise ConfigError for what is no name of a review's folder."""
    if not _FOLDER.fullmatch(name):
        raise ConfigError(
            [f"--review {name!r}: name a folder of lab/reviews, such as 2026-02-26_1"]
        )


def window_before(end: str, hours: float) -> Window:
    """The window of so many hours before a time."""
    return Window(format_time_before(end, hours), end)


def format_time_before(time: str, hours: float) -> str:
    """The time stamp so many hours earlier, UTC with milliseconds."""
    return write_time(parse_time(time).astimezone(UTC) - timedelta(hours=hours))


def observe(run: ReviewRun) -> Observed:
    """Count what the window holds, and fix window and prompts. Writes observed.json."""
    days = run.context.defaults.production.retention_days
    expired = _expire(run, format_time_before(run.now, days * 24)) if days else 0
    observed = look_at_window(run).model_copy(update={"expired": expired})
    write_record(run.folder / OBSERVED, observed)
    return observed


def look_at_window(run: ReviewRun) -> Observed:
    """What `observe` records; writes nothing."""
    window = window_before(run.now, run.window_hours)
    sessions: dict[str, float | None] = {}
    traces = 0
    for trace in run.traces.read(window):
        traces += 1
        cost, known = trace.payload.summary.total_cost_usd, sessions.get(trace.session)
        sessions[trace.session] = known if cost is None else (known or 0.0) + cost
    costs = [cost for cost in sessions.values() if cost is not None]
    return Observed(
        at=run.now,
        window_hours=run.window_hours,
        traces=traces,
        sessions=len(sessions),
        average_cost_usd=sum(costs) / len(costs) if costs else None,
        prompts=read_current_prompts(run.context.lab),
        usage=tuple(run.traces.usage_by_version(window)),
    )


def detect(run: ReviewRun) -> Findings:
    """Run the detectors over the window. Writes findings.json."""
    findings = detect_faults(run, run.read_observed())
    write_record(run.folder / FINDINGS, findings)
    return findings


def detect_faults(run: ReviewRun, observed: Observed) -> Findings:
    """What `detect` records; writes nothing."""
    found: Detection = detect_in_store(
        run.traces,
        read_prompt_texts(run.context.lab, observed),
        window=observed.window,
        level=run.context.defaults.production.level,
        policy=detection_policy(run.context.defaults.production),
        earlier_prompts={
            key: text
            for version, text in read_versions(run.context.lab)
            for key in (version, version[:8])
        },
    )
    return Findings(
        findings=tuple(found.findings),
        measured=tuple(found.measured),
        tested=found.tested,
        level=found.level,
        history=found.history,
    )


def read_current_prompts(lab: Lab) -> dict[str, str]:
    """Prompt id -> sha256 of its current text; {} for a lab whose registry has no prompts."""
    registry = open_registry(lab)
    pointer = registry.files.read_pointer()
    if pointer is None or not pointer.to_snapshot:
        return {}
    return dict(registry.read_current()[1].prompts)


def read_prompt_texts(lab: Lab, observed: Observed) -> dict[str, str]:
    """Prompt id -> its text when the review began."""
    files = open_registry(lab).files
    return {name: files.read_version(digest) for name, digest in observed.prompts.items()}


def read_versions(lab: Lab) -> Iterator[tuple[str, str]]:
    """(version, text) of every text that was ever current; a damaged one is left out."""
    registry = open_registry(lab)
    digests = set[str]()
    for row in registry.files.read_journal():
        if row.to_snapshot:
            digests |= set(registry.files.read_snapshot(row.to_snapshot).prompts.values())
    for digest in sorted(digests):
        try:
            yield digest, registry.files.read_version(digest)
        except LabError:
            continue


def _expire(run: ReviewRun, before: str) -> int:
    """Delete older traces, and first the plans that were built of them; how many traces."""
    ids = run.traces.find_ids(before=before)
    if ids:
        erase_plans(run.context.lab, ids, when=run.now)
    return run.traces.erase_before(before)
