"""/metrics: the service levels in the text format of Prometheus, and the cache that pages share."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from pipeline.web.context import WebContext, get_context, require_reader
from prompt_lab.clock import utc_now
from prompt_lab.config.base import load
from prompt_lab.config.lab import LabConfig
from prompt_lab.outcomes import OutcomeSummary
from prompt_lab.promptops.canary import running_canaries
from prompt_lab.promptops.contract import read_config
from prompt_lab.promptops.slo import SloSource, measure_slos
from prompt_lab.promptops.slo_records import ServiceLevel, SloReport
from prompt_lab.store.database.engine import FILE, open_outcomes
from prompt_lab.store.layout import Lab
from prompt_lab.traces import Window

SECONDS: Final = 10.0
"""A report is this old at most; many readers cost one measurement."""
TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(dependencies=[Depends(require_reader)])


class MetricSample(NamedTuple):
    """One line: labels and value."""

    labels: Mapping[str, str]
    value: float


class SloCache:
    """The newest report of one lab. Safe to use from many threads."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._report: SloReport | None = None
        self._read_at = 0.0
        self._source: SloSource | None = None

    def read(self) -> SloReport:
        """The report, measured again where it is too old. Raises StoreError."""
        with self._lock:
            if self._report is None or time.monotonic() - self._read_at > SECONDS:
                config = self._context.settings.promptops or read_config(self._context.lab)
                self._report = measure_slos(self._find_source(), config, now=utc_now())
                self._read_at = time.monotonic()
            return self._report

    def _find_source(self) -> SloSource:
        if self._source is not None:
            return self._source
        lab = self._context.lab
        url = _store_url(lab)
        if not url and not (lab.root / FILE).exists():
            return SloSource(lab, _summarise_nothing)  # reading makes no database
        self._source = SloSource(lab, open_outcomes(lab, url).summary)
        return self._source


def get_slos(request: Request) -> SloCache:
    """The cache of the app that serves a request."""
    state = request.app.state
    if not hasattr(state, "slos"):
        state.slos = SloCache(state.context)
    found: SloCache = state.slos
    return found


@router.get("/metrics")
async def show_metrics(request: Request) -> Response:
    """Gauges of the service; a scraper sends a reader's key where reading is not open."""
    context, slos = await get_context(request), get_slos(request)
    text = await run_in_threadpool(lambda: render_metrics(slos.read(), context.lab))
    return Response(text, headers={"content-type": TYPE, "cache-control": "no-store"})


def render_metrics(report: SloReport, lab: Lab) -> str:
    """All gauges. Labels are prompt ids and task classes; calls are those of the window."""
    levels = [one for one in report.levels if one.scope == "prompt_and_class"]
    lines = list(_level_lines(levels))
    for name, what in (
        ("rounds", "Rounds of the optimizer"),
        ("promotions", "Promotions"),
        ("rollbacks", "Rollbacks"),
        ("aborted", "Canaries that the live traffic ended"),
    ):
        samples = [
            MetricSample({"prompt_id": one.prompt_id}, float(getattr(one, name)))
            for one in report.changes
        ]
        lines += _gauge(name, f"{what} in the last 28 days.", samples)
    running = [MetricSample({}, float(len(running_canaries(lab))))]
    lines += _gauge("canaries_running", "Canaries under way.", running)
    alerts = [MetricSample({"code": one.code, "where": one.where}, 1.0) for one in report.alerts]
    lines += _gauge("alert", "1 for each limit that is missed.", alerts)
    lines += _gauge(
        "stale", "1 where rows are too old.", [MetricSample({}, float(report.is_stale))]
    )
    return "\n".join(lines) + "\n"


def _level_lines(levels: Iterable[ServiceLevel]) -> Iterator[str]:
    found = tuple(levels)
    for field, name, what in (
        ("calls", "calls", "Calls in the window."),
        ("success", "success_ratio", "Share of calls that succeeded, of those known."),
        ("success_delta", "success_change", "Change of that share since the window before."),
        ("grounding", "grounding_ratio", "Mean share of the answer found in its sources."),
        ("latency_p95_ms", "latency_p95_milliseconds", "95th percentile of a call."),
        ("cost_usd", "cost_dollars", "Mean cost of a call."),
    ):
        samples = [
            MetricSample({"prompt_id": one.prompt_id, "task_class": one.task_class}, float(value))
            for one in found
            if (value := getattr(one, field)) is not None
        ]
        yield from _gauge(name, what, samples)


def _gauge(name: str, what: str, samples: Iterable[MetricSample]) -> Iterator[str]:
    full = f"prompt_lab_promptops_{name}"
    yield f"# HELP {full} {what}"
    yield f"# TYPE {full} gauge"
    for one in samples:
        labels = ",".join(f'{key}="{_escape(value)}"' for key, value in one.labels.items())
        yield f"{full}{{{labels}}} {one.value:g}" if labels else f"{full} {one.value:g}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _summarise_nothing(_window: Window) -> list[OutcomeSummary]:
    return []


def _store_url(lab: Lab) -> str:
    path = lab.root / "lab.yaml"
    own = load(path, LabConfig).production.store if path.exists() else ""
    return os.environ.get("PROMPTLAB_STORE") or own
