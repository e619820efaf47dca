"""The record of an attempt that came to its end."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from prompt_lab.task_engine.changes import Version
from prompt_lab.task_engine.keep import AttemptDecision, mean_metrics, mean_score
from prompt_lab.task_engine.record import AttemptRecord
from prompt_lab.task_engine.score import COST

if TYPE_CHECKING:
    from prompt_lab.task_engine.attempt import ActiveAttempt

Versions = dict[str, Version | None]


def record_of(going: "ActiveAttempt", found: AttemptDecision, seconds: float) -> AttemptRecord:
    """What an attempt comes to; `seconds` is its wall time."""
    site = going.site
    metrics = mean_metrics(going.scored)
    return AttemptRecord(
        task_id=site.task.id,
        attempt=going.number,
        status=found.status,
        reason=found.code,
        detail=found.detail,
        candidate_score=mean_score(going.scored) if going.scored else None,
        baseline_score=mean_score(going.baseline) if going.baseline else None,
        gain=found.gain,
        metrics=metrics,
        baseline_metrics=mean_metrics(going.baseline),
        diff_summary=going.summary,
        files=tuple(map(printable_path, found.files)),
        verdict=found.verdict,
        scorings=len(going.scored),
        baseline_cached=going.cached,
        duration_seconds=round(seconds, 4),
        command_seconds=round(site.command_seconds, 4),
        cost_usd=going.told.cost_usd + sum(s.metrics.get(COST, 0) for s in going.scored.values()),
        mutation=going.told.description,
        candidate=_digest(going.new),
        removed=tuple(map(printable_path, site.removed))[:100],
        unenforced=tuple(site.unenforced),
        sandbox=site.sandbox_used,
        layers=bool(site.sandbox_used) and site.layered,
        started=going.started,
    )


def there(versions: Versions) -> Mapping[str, Version]:
    """The files that are there."""
    return {name: version for name, version in versions.items() if version is not None}


def printable_path(name: str) -> str:
    """A path as a record can hold it: bytes that are no UTF-8 are marked."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _digest(versions: Versions) -> str:
    if not versions:
        return ""
    parts = [
        f"{name}\0{version.mode}\0{sha256(version.data).hexdigest()}\n"
        for name, version in sorted(there(versions).items())
    ]
    return sha256("".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
