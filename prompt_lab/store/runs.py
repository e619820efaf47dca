"""Run folders in the lab's history, in the format that existing labs use."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prompt_lab.errors import StoreError
from prompt_lab.records import CallNote, Record, RunRecord, RunRow, Usage
from prompt_lab.store.duplicates import note_duplicate
from prompt_lab.store.file_cache import FileCache
from prompt_lab.store.files import (
    append_row,
    create_record,
    disk_errors,
    read_if_whole,
    read_record,
    write_text,
)
from prompt_lab.store.layout import MARKER, Lab
from prompt_lab.store.reusable import note_reusable

OVERVIEW = "activity_overview.json"
CALLS, METRICS, ATTEMPTS = "calls.jsonl", "usage_metrics.jsonl", "attempts"
FAILURE, LOG = "failure.jsonl", "step.log"
OWN_FILES = frozenset({MARKER, OVERVIEW, CALLS, METRICS, ATTEMPTS, FAILURE, LOG})
"""What is in a plan's folder beside the step's own files; no output may be called so."""
_OF_THE_RUN = OWN_FILES - {LOG}
_OWN = "Restore it, or remove it to have it made again"
_SUMS = (
    *("calls", "input_tokens", "output_tokens", "thinking_tokens"),
    *("total_cost", "total_tokens"),
)
_ROWS = FileCache[RunRow](64 << 20)
"""Every phase after the runs reads all of them."""
_REUSED = (
    "It was taken over from an earlier iteration: restore it, or remove it together with this "
    "iteration's batch_*.json to have both made again"
)


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    """meta.json of a run folder."""
    write_text(folder / "meta.json", json.dumps(meta, indent=2, ensure_ascii=False) + "\n")


class _Claim(Record):
    batch: str = ""


def claimed_by_us(folder: Path) -> bool:
    """Whether a run folder was claimed for a batch of ours, and not made by another tool."""
    return bool(claimed_batch(folder))


def claimed_batch(folder: Path) -> str:
    """The batch that a run folder was claimed for; '' where its meta.json names none."""
    claim = read_if_whole(folder / "meta.json", _Claim)
    return claim.batch if claim is not None else ""


def start(folder: Path, plan: str, *, now: str) -> Path:
    """Open a plan's folder for a run; what an unfinished attempt left goes under attempts/.

    Raises StoreError where a finished run lies there.
    """
    out = folder / "outputs" / plan
    if is_finished(out):
        raise StoreError(f"{out}: a finished run lies here, which is never made again.")
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        leftovers = [p for p in out.iterdir() if p.name != ATTEMPTS]
        if leftovers:
            attempts = out / ATTEMPTS
            attempts.mkdir(exist_ok=True)
            attempt = attempts / str(len(list(attempts.iterdir())))
            attempt.mkdir()
            for path in leftovers:
                path.rename(attempt / path.name)
    _event(folder, "run_single_plan_start", plan, now)
    return out


def copy_answer(source: Path, out: Path) -> None:
    """Copy what a step left in a finished run's folder, without what stands there beside it."""
    with disk_errors(source):
        for entry in source.iterdir():
            if entry.name in _OF_THE_RUN or entry.name.startswith(f"{MARKER}."):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.copytree(entry, out / entry.name, symlinks=True)
            else:
                shutil.copy2(entry, out / entry.name, follow_symlinks=False)


def fail(folder: Path, plan: str, message: str, *, now: str) -> None:
    """Note an attempt that ended for an outside reason: it is not finished."""
    append_row(folder / "outputs" / plan / FAILURE, {"timestamp": now, "error": message})
    _event(folder, "run_single_plan_error", plan, now, error=message)


def finish(lab: Lab, out: Path, record: RunRecord, *, usage_files: bool = True) -> None:
    """Write down a finished run: rows and usage first, run.json last.

    Without `usage_files` the usage is in run.json alone, except for a step in a process of its own,
    which may have counted for itself. Of two processes that made the same run the first one's
    record stays; what the other one's cost is noted beside it.
    """
    folder = out.parent.parent
    if is_finished(out):
        note_duplicate(folder, record)
        return
    error = f"{record.error.kind}: {record.error.message}" if record.error else None
    duration = round(record.duration_seconds, 3)
    if not record.rescored_from and (usage_files or record.process is not None):
        _usage(out, record)
    append_row(
        folder / "outputs.jsonl",
        {
            "name": record.plan,
            "status": record.status.value,
            "duration_seconds": duration,
            "error": error,
            "calls_succeeded": record.usage.calls_succeeded,
        },
    )
    extra = {"error": error} if error else {}
    if record.rescored_from:
        extra["rescored_from"] = record.rescored_from
    kind = "error" if error else "complete"
    _event(
        folder,
        f"run_single_plan_{kind}",
        record.plan,
        record.ended,
        duration_seconds=duration,
        **extra,
    )
    said = record.process.said if record.process else {}
    if said.get("faults") and not error:
        usage = record.usage
        calls = {"calls_succeeded": usage.calls_succeeded, "expected_calls": usage.calls}
        _event(folder, "partial_recovery", record.plan, record.ended, **calls)
    if not create_record(out / MARKER, record):
        note_duplicate(folder, record)
        return
    if not record.content_key:
        return  # made for itself alone
    shadowed = record.process is not None and record.process.elsewhere
    if record.sent.head != record.sent.wanted_commit or not record.sent.tree_clean or shadowed:
        return  # it says nothing about the commit that it was made for
    if record.content_key:  # else it was made for itself alone
        note_reusable(lab, lab.relative(out), record)


def is_finished(out: Path | str) -> bool:
    """Whether a plan's folder holds a run, whole or damaged since."""
    try:
        os.stat(f"{out}/{MARKER}")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def set_aside_damaged(out: Path) -> bool:
    """Rename a run.json that no longer holds a record, so that the run is made again."""
    path = out / MARKER
    if not path.exists() or read_if_whole(path, RunRecord) is not None:
        return False
    unmark(out, "damaged")
    return True


def unmark(out: Path, why: str) -> None:
    """Let a run count as not finished: its run.json stays there as run.json.<why>."""
    path = out / MARKER
    with disk_errors(path):
        path.rename(path.with_name(f"{MARKER}.{why}"))


def read_row(lab: Lab, path: str, outputs: Sequence[str], *, reused: bool) -> RunRow:
    """A finished run with the texts of its outputs, parsed once for each process.

    Raises StoreError where run.json is damaged.
    """
    out = f"{lab.root}/{path}"
    names = [f"{out}/{name}" for name in outputs]
    if not any(map(os.path.exists, names)):
        names = [out]  # where a step that failed may have left its raw texts
    return _ROWS.get(
        (out, tuple(outputs), reused),
        (f"{out}/{MARKER}", *names),
        lambda: _read_row(Path(out), path, outputs, reused=reused),
    )


def _read_row(out: Path, path: str, outputs: Sequence[str], *, reused: bool) -> RunRow:
    record = read_record(out / MARKER, RunRecord, fix=_REUSED if reused else _OWN)
    with disk_errors(out):
        files = [out / n for n in outputs if (out / n).is_file()] or sorted(out.glob("*_raw.txt"))
        texts = {p.name: p.read_text("utf-8", "replace") for p in files}
    return RunRow(record=record, path=path, outputs=texts, reused=reused)


def read_source(lab: Lab, path: str) -> RunRecord:
    """The run whose answer is scored again. Raises StoreError where it is damaged or gone."""
    return read_record(lab.root / path / MARKER, RunRecord, fix=_REUSED)


def _event(folder: Path, event: str, plan: str, now: str, **facts: object) -> None:
    row = {"timestamp": now, "event": event, "plan_name": plan, **facts}
    append_row(folder / "events.jsonl", row)


def keep_calls(out: Path, texts: str) -> None:
    """calls.jsonl: what a step in a process of its own sent and was answered, redacted."""
    write_text(out / CALLS, texts, durable=False)


def _usage(out: Path, record: RunRecord) -> None:
    """A row for each call where they are known, else one for all; and the sums for each model."""
    if record.process is not None and not record.calls and (out / OVERVIEW).exists():
        return  # nothing went through the gateway: what the step wrote is all that is known
    rows = [_row(record, call) for call in record.calls] or [_row(record, None)]
    path = out / METRICS
    if record.calls:  # the step may have counted for itself; what the gateway saw is right
        path.unlink(missing_ok=True)
    for row in rows:
        append_row(path, row)
    models: dict[str, dict[str, float]] = {}
    for row in rows:
        sums = models.setdefault(row["model"], dict.fromkeys(_SUMS, 0))
        sums["calls"] += record.usage.calls if not record.calls else 1
        sums["input_tokens"] += row["input_tokens"]
        sums["output_tokens"] += row["output_tokens"]
        sums["total_cost"] += row["cost_usd"]
        sums["total_tokens"] += row["input_tokens"] + row["output_tokens"]
    usage = record.usage
    overview = {
        "last_updated": record.ended,
        "models": models,
        "total_cost": usage.cost_usd,
        "total_input_tokens": usage.input_tokens,
        "total_output_tokens": usage.output_tokens,
        "total_thinking_tokens": 0,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    write_text(out / OVERVIEW, json.dumps(overview) + "\n", durable=False)


def _row(record: RunRecord, call: CallNote | None) -> dict[str, Any]:
    of: CallNote | Usage = record.usage if call is None else call
    seconds = record.duration_seconds if call is None else call.seconds
    row: dict[str, Any] = {
        "timestamp": record.ended,
        "success": record.error is None if call is None else bool(call.answered_by),
        "model": (call.model_id if call else "") or record.answered_by,
        "duration_seconds": round(seconds, 3),
        "input_tokens": of.input_tokens,
        "output_tokens": of.output_tokens,
        "cost_usd": of.cost_usd,
    }
    return row if call is None else {**row, "origin": call.origin}
