"""history/reusable.jsonl: which finished runs, and which answers, a later batch may take over."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from prompt_lab.records import RunRecord
from prompt_lab.store.files import append_row, read_if_whole, read_rows
from prompt_lab.store.layout import MARKER, Lab

_MEASURED = ("seconds", "input_tokens", "output_tokens")


class ReusableRuns(NamedTuple):
    """Paths of finished runs, relative to the lab."""

    scored: Mapping[str, str]
    """content key -> path of the newest run that has it."""
    answered: Mapping[str, tuple[str, ...]]
    """answer key -> paths of the runs that have it, newest first."""


def reusable_runs(lab: Lab) -> ReusableRuns:
    """All that reusable.jsonl names."""
    scored: dict[str, str] = {}
    answered: dict[str, tuple[str, ...]] = {}
    for row in read_rows(lab.reusable):
        if "path" not in row:
            continue
        path = str(row["path"])
        if row.get("key"):
            scored[str(row["key"])] = path
        if row.get("answer_key"):
            key = str(row["answer_key"])
            answered[key] = (path, *answered.get(key, ()))
    return ReusableRuns(scored, answered)


def read_finished(lab: Lab, path: str, key: str) -> RunRecord | None:
    """The record at a path; None where it is no longer whole, or one of another content key."""
    record = read_if_whole(lab.root / path / MARKER, RunRecord)
    return record if record is not None and record.content_key == key else None


def read_answered(
    lab: Lab, path: str, answer_key: str, files: Mapping[str, str]
) -> RunRecord | None:
    """The record at a path if its answer still holds for a plan with these files, else None.

    `files` is what `hash_plan` gives. An answer holds where the step has read nothing of the plan
    folder that has changed since.
    """
    record = read_if_whole(lab.root / path / MARKER, RunRecord)
    if record is None or record.answer_key != answer_key:
        return None
    same = all(files.get(name) == content for name, content in record.files_read.plan.items())
    return record if same else None


def note_reusable(lab: Lab, path: str, record: RunRecord) -> None:
    """Let later batches take over a finished run, or its answer alone.

    Neither if the step has read files that no key covers, or the plan was changed meanwhile; the
    answer alone if only score() has read such files.
    """
    read = record.files_read
    if read.changed or read.outside:
        return
    row: dict[str, Any] = {
        "key": "" if read.score_outside else record.content_key,
        "answer_key": record.answer_key,
        "path": path,
        "model": record.model,
        "step": record.step,
    }
    if not record.rescored_from:
        row |= {
            "seconds": round(record.duration_seconds, 3),
            "input_tokens": record.usage.input_tokens,
            "output_tokens": record.usage.output_tokens,
        }
    append_row(lab.reusable, row)


def count_without_plan_hash(lab: Lab, step: str) -> int:
    """Finished runs of a step that were recorded without a hash of their whole plan folder."""
    rows = read_rows(lab.reusable)
    return sum(row.get("step") == step and "answer_key" not in row for row in rows)


def timings(lab: Lab, model: str, step: str) -> list[dict[str, Any]]:
    """Seconds and tokens of every run that a model made of a step, oldest first."""
    rows = [r for r in read_rows(lab.reusable) if r.get("model") == model and r.get("step") == step]
    return [r for r in rows if all(isinstance(r.get(k), int | float) for k in _MEASURED)]
