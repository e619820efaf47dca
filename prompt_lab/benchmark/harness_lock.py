"""The lock on the harness's configuration: pid and start time, taken over when stale."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prompt_lab.benchmark.folders import benchmarks_folder
from prompt_lab.errors import LabBusy, StoreError
from prompt_lab.records import Record
from prompt_lab.store.files import create_record, disk_errors, read_if_whole
from prompt_lab.store.layout import Lab

FILE = "harness.lock"
ATTEMPTS = 5
_kept: dict[Path, "LockHolder"] = {}
"""What this process holds until it ends, or what its parent held when it forked."""


class LockHolder(Record):
    """Who holds the lock. A pid alone is not enough: it is given again to later processes."""

    pid: int
    started: str
    """When the process started, as the kernel counts it; '' where that cannot be read."""
    since: str
    purpose: str


def process_start(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return _start_without_proc(pid)
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _start_without_proc(pid: int) -> str | None:
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""


def is_stale(holder: LockHolder) -> bool:
    """Whether the process that wrote it has ended."""
    start = process_start(holder.pid)
    return start is None or (start != "" and holder.started not in ("", start))


@contextmanager
def hold_harness(lab: Lab, purpose: str, *, now: str) -> Iterator[None]:
    """Hold the lock until the block ends. Raises LabBusy that names the holder."""
    own = _holder(purpose, now)
    path = _take(lab, own)
    try:
        yield
    finally:
        if read_if_whole(path, LockHolder) == own:
            path.unlink(missing_ok=True)


def keep_harness(lab: Lab, purpose: str, *, now: str) -> None:
    """Hold the lock until `release_harness`, or until this process ends. Raises LabBusy.

    A process that holds it already, and its forks, go on with it.
    """
    path = benchmarks_folder(lab) / FILE
    if path in _kept and read_if_whole(path, LockHolder) == _kept[path]:
        return
    own = _holder(purpose, now)
    _take(lab, own)
    _kept[path] = own


def release_harness(lab: Lab) -> None:
    """Let go of the lock where this process holds it."""
    path = benchmarks_folder(lab) / FILE
    kept = _kept.pop(path, None)
    if kept is not None and kept.pid == os.getpid() and read_if_whole(path, LockHolder) == kept:
        path.unlink(missing_ok=True)


def _holder(purpose: str, now: str) -> LockHolder:
    pid = os.getpid()
    return LockHolder(pid=pid, started=process_start(pid) or "", since=now, purpose=purpose)


def _take(lab: Lab, own: LockHolder) -> Path:
    path = benchmarks_folder(lab) / FILE
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(ATTEMPTS):
        if create_record(path, own):
            return path
        holder = read_if_whole(path, LockHolder)
        if holder is not None and not is_stale(holder):
            raise LabBusy(
                f"{path}: pid {holder.pid} holds it since {holder.since} for {holder.purpose}."
                " Wait for it, then give the command again."
            )
        _remove_stale(path, holder)
    raise StoreError(f"{path}: other processes keep taking it. Give the command again.")


def _remove_stale(path: Path, seen: LockHolder | None) -> None:
    """Move the stale lock away under a name of our own: of two processes one succeeds."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with disk_errors(path):
        try:
            path.rename(aside)
        except FileNotFoundError:
            return
        found = read_if_whole(aside, LockHolder)
        if found != seen and found is not None and not is_stale(found):
            create_record(path, found)  # it was taken by another process meanwhile: give it back
        aside.unlink(missing_ok=True)
