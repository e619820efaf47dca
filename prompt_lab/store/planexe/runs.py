"""Run folders that another tool left: read as far as they go, oddities listed."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.names import Side, Split, Status
from prompt_lab.records import RunError, RunRecord, RunRow, SentEvidence, Usage
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.layout import MARKER, Lab
from prompt_lab.store.planexe.lenient import (
    Faults,
    children,
    clean,
    is_folder,
    number,
    parse_json,
    read_object,
    read_objects,
    read_text,
)
from prompt_lab.store.planexe.usage import LOG, OVERVIEW, usage_of
from prompt_lab.store.runs import claimed_by_us

ENDED = "ended"
"""The only score that another tool's run folder has: 1 where the plan ended without an error."""
BOOKKEEPING = {OVERVIEW, LOG, MARKER, f"{MARKER}.damaged", f"{MARKER}.unanswered", "failure.jsonl"}
_RAW = re.compile(r"[_-]raw\b")
_FAULT = re.compile(r"^(\S+)\n.*?\[type=(\w+)", re.MULTILINE)
_TYPE = re.compile(r"\[type=(\w+)")
_FOLDER = re.compile(r"[0-9]{1,9}_.+")
_HUNDRED = re.compile(r"[0-9]{1,9}")


class Irregular(NamedTuple):
    """A folder that is not as it should be, and all that is wrong with it."""

    path: str
    faults: tuple[str, ...]


class ForeignRunFolder(NamedTuple):
    """What one run folder holds: a row for each plan, and what was odd about it."""

    path: str
    model: str
    step: str
    rows: tuple[RunRow, ...]
    faults: tuple[str, ...]
    scored: bool
    """Every row is a run.json of ours with its scores; else ENDED is all that is known."""


def run_folders(lab: Lab) -> dict[int, Path]:
    """Every run folder by its number: history/1/89_step is 189. The first of a number counts."""
    found: dict[int, Path] = {}
    for path in _all_folders(lab):
        found.setdefault(_number(path), path)
    return dict(sorted(found.items()))


def read_batch_of(lab: Lab, folder: Path, side: Side) -> ForeignRunFolder:
    """A run folder's plans as rows of one side. Never raises for what the folder holds."""
    faults: Faults = []
    meta = read_object(folder / "meta.json", faults)
    model = model_of(meta, faults)
    step = clean(meta.get("step") or folder.name.partition("_")[2])
    listed = _rows_by_plan(read_objects(folder / "outputs.jsonl", faults), faults)
    kept = [path.name for path in children(folder / "outputs") if is_folder(path)]
    if listed and not kept:
        faults.append("the plans' outputs were not kept")
    times = _times(read_objects(folder / "events.jsonl", faults))
    _unlisted(listed, kept, times, faults)
    raw = not any(_files(folder / "outputs" / plan, raw=False) for plan in kept)
    rows, scored = [], []
    for plan in dict.fromkeys([*listed, *kept]):
        out = folder / "outputs" / plan
        own = read_if_whole(out / MARKER, RunRecord) if plan in kept else None
        texts = _outputs(out, raw, faults) if plan in kept else {}
        record = own or _record(out, listed.get(plan), texts, faults)
        more: dict[str, object] = {"side": side}
        if own is None:
            started, ended = times.get(plan, ("", ""))
            more |= {"model": model, "step": step, "started": started, "ended": ended}
        record = record.model_copy(update=more)
        rows.append(RunRow(record=record, path=clean(lab.relative(out)), outputs=texts))
        scored.append(own is not None)
    path = clean(lab.relative(folder))
    return ForeignRunFolder(
        path, model, step, tuple(rows), tuple(dict.fromkeys(faults)), all(scored)
    )


def irregular_runs(lab: Lab) -> Iterator[Irregular]:
    """Every run folder of another tool with something wrong, once.

    Ours hold what a trial asked for before it stopped, and that may be nothing.
    """
    first = run_folders(lab)
    for path in sorted(_all_folders(lab), key=lambda folder: (_number(folder), folder.name)):
        if claimed_by_us(path):
            continue
        faults = list(read_batch_of(lab, path, Side.BASELINE).faults)
        if first[_number(path)] != path:
            faults.append("another folder has the same number, and is the one that is read")
        if faults:
            yield Irregular(clean(lab.relative(path)), tuple(faults))


def _all_folders(lab: Lab) -> list[Path]:
    hundreds = [path for path in children(lab.history) if _HUNDRED.fullmatch(path.name)]
    return [
        path
        for hundred in hundreds
        for path in children(hundred)
        if _FOLDER.fullmatch(path.name) and is_folder(path)
    ]


def _number(path: Path) -> int:
    return int(path.parent.name) * 100 + int(path.name.partition("_")[0])


def _rows_by_plan(rows: Iterable[dict[str, Any]], faults: Faults) -> dict[str, dict[str, Any]]:
    """The last row of each plan; a name that is no folder's name is no plan."""
    found: dict[str, dict[str, Any]] = {}
    again, nameless = set(), 0
    for row in rows:
        name = row.get("name")
        if not isinstance(name, str) or not _is_plain(name):
            nameless += 1
            continue
        again |= {name} & found.keys()
        found[name] = row
    if nameless:
        faults.append("outputs.jsonl has rows that name no plan")
    if again:
        faults.append("plans were run more than once; the last row of outputs.jsonl counts")
    return found


def _is_plain(name: str) -> bool:
    """Whether a name can be a folder's: it leads nowhere else and every system takes it."""
    return (
        0 < len(name) <= 200
        and name.isprintable()
        and not {"/", "\\"} & set(name)
        and name not in (".", "..")
    )


def _unlisted(
    listed: dict[str, dict[str, Any]], kept: list[str], times: dict[str, Any], faults: Faults
) -> None:
    extra = [clean(plan) for plan in kept if plan not in listed]
    if extra and listed:
        faults.append(f"no row in outputs.jsonl for {', '.join(extra)}")
    begun = [clean(plan) for plan in times if plan not in listed and plan not in kept]
    if begun:
        faults.append("plans began and never ended")


def _record(
    out: Path, listed: dict[str, Any] | None, texts: dict[str, str], faults: Faults
) -> RunRecord:
    """One plan: what outputs.jsonl says of it, and what its calls took."""
    row = listed or {}
    ok = row.get("status") == "ok" if listed else bool(texts)
    message = clean(row.get("error")) or ("" if ok else "no error was recorded")
    usage = usage_of(out, row.get("calls_succeeded"), faults) if is_folder(out) else Usage()
    return RunRecord(
        iteration=0,
        step="",
        split=Split.TRAIN,
        side=Side.BASELINE,
        model="",
        plan=clean(out.name),
        replicate=0,
        status=Status.OK if ok else Status.ERROR,
        error=None if ok else RunError(kind=error_kind(message), message=message),
        scores={ENDED: float(ok)},
        primary=float(ok),
        valid=ok,
        usage=usage,
        sent=SentEvidence(wanted_commit="", head="", tree_clean=True, files={}, prompt_sha256=""),
        content_key="",
        answered_by="",
        started="",
        ended="",
        duration_seconds=number(row.get("duration_seconds")),
    )


def _files(out: Path, *, raw: bool) -> list[Path]:
    """The plan's outputs, without the raw answers or these alone."""
    files = [p for p in children(out) if p.name not in BOOKKEEPING and not is_folder(p)]
    return [path for path in files if bool(_RAW.search(path.stem)) is raw]


def _outputs(out: Path, raw: bool, faults: Faults) -> dict[str, str]:
    """The plan's texts; `raw` where no plan of the folder kept anything cleaner."""
    files = _files(out, raw=raw)
    if not files and not raw and _files(out, raw=True):
        faults.append(f"{clean(f'outputs/{out.name}')} keeps only a raw answer")
    texts = {}
    for path in files:
        name = clean(f"outputs/{out.name}/{path.name}")
        text = read_text(path, faults, name=name)
        if text is None:
            continue
        texts[clean(path.name)] = text
        if path.suffix == ".json" and parse_json(text) is None:
            faults.append(f"{name} is no JSON")
    return texts


def model_of(meta: dict[str, Any], faults: Faults) -> str:
    """The primary model that a run folder's meta.json names."""
    model = meta.get("model")
    named = model.get("primary") if isinstance(model, dict) else model
    if meta and not named:
        faults.append("meta.json names no model")
    return clean(named) or "unknown"


def _times(events: Iterable[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Plan -> time stamps of its first start and of its last event."""
    found: dict[str, tuple[str, str]] = {}
    for event in events:
        plan, when = clean(event.get("plan_name")), clean(event.get("timestamp"))
        if plan:
            first, _ = found.get(plan, (when, ""))
            found[plan] = (first, when)
    return found


def error_kind(message: str) -> str:
    """A short code of a message: where a validator names the field and the fault, both.

    >>> error_kind("1 validation error\\nlevers.5.options\\n  got 2 [type=value_error, input=…]")
    'value_error in options'
    """
    if found := _FAULT.search(message):
        parts = [part for part in found.group(1).split(".") if not part.isdigit()]
        return f"{found.group(2)} in {parts[-1]}" if parts else found.group(2)
    named = _TYPE.search(message)
    return named.group(1) if named else "error"
