"""Finished runs survive a power cut: a journal of this process has them before they are reported.

A run's own files are not synced one by one, which takes longer than many calls. The journal has
their contents until the lab's commit does. Only a new boot of the machine can have lost files that
a journal has: what was removed since, was removed on purpose.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from prompt_lab.records import RunRecord
from prompt_lab.store.files import disk_errors, read_rows
from prompt_lab.store.layout import MARKER, Lab
from prompt_lab.store.row_journal import JournalDisk, Reported, RowJournal
from prompt_lab.store.runs import ATTEMPTS, finish

FOLDER = "run_journals"
RESTORED = ".restored"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
MOST_BYTES = 1 << 20
"""A run that left more than this is synced file by file instead."""


class RunJournal:
    """Takes finished runs of a batch. Use it as a context; see RowJournal."""

    def __init__(
        self, lab: Lab, name: str, disk: JournalDisk | None = None, boot: str = ""
    ) -> None:
        self._lab = lab
        file = f"{name}.{boot or boot_id()}.{os.getpid()}.jsonl"
        self._rows = RowJournal(lab.work / FOLDER / file, disk)

    def __enter__(self) -> Self:
        self._rows.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.__exit__(kind, error, trace)

    def add(self, path: str, reported: Reported) -> None:
        """Note a run by its path in the lab; `reported` is called once the disk has it.

        Raises StoreError where its files cannot be read or the disk refuses.
        """
        out = self._lab.root / path
        with disk_errors(out):
            files = list(_files_of(out))
            if sum(file.stat().st_size for file in files) > MOST_BYTES:
                for place in (*files, *{file.parent for file in files}):
                    _sync(place)
                contents = {}
            else:
                contents = {str(file.relative_to(out)): _encoded(file) for file in files}
        self._rows.append({"path": path, "files": contents}, reported)


def restore_runs(lab: Lab, name: str) -> int:
    """Write again the runs of a batch that a power cut took; how many they were.

    Raises StoreError where the disk refuses.
    """
    restored, boot = 0, boot_id()
    for journal in _journals(lab, name):
        if f".{boot}." in journal.name or journal.name.endswith(RESTORED):
            continue
        for row in read_rows(journal):
            record = _record_of(row)
            if record is not None and _restore(lab, lab.root / str(row["path"]), row["files"]):
                finish(lab, lab.root / str(row["path"]), record, usage_files=False)
                restored += 1
        with disk_errors(journal):  # once: what is removed from now on is not restored again
            journal.rename(journal.with_name(f"{journal.name}{RESTORED}"))
    return restored


def drop_journals(lab: Lab, name: str) -> None:
    """Remove the journals of batches whose name begins so, once a commit holds their runs."""
    for journal in _journals(lab, name):
        with disk_errors(journal):
            journal.unlink(missing_ok=True)


@cache
def boot_id() -> str:
    """The id of this run of the operating system, another one after each boot."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def journal_name(number: int, step: str, batch: str = "") -> str:
    """The name of a batch's journals; without `batch` the beginning of all of an iteration."""
    return f"{number}_{step}_{batch}"


def _journals(lab: Lab, name: str) -> list[Path]:
    folder = lab.work / FOLDER
    with disk_errors(folder):
        found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.name.startswith(name)]


def _files_of(out: Path) -> Iterator[Path]:
    for entry in sorted(out.iterdir()):
        if entry.is_symlink() or entry.name == ATTEMPTS:
            continue
        if entry.is_dir():
            yield from (p for p in sorted(entry.rglob("*")) if p.is_file() and not p.is_symlink())
        elif entry.is_file():
            yield entry


def _encoded(file: Path) -> str | list[str]:
    """The text, or the bytes in base 64 as a list of one."""
    data = file.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return [b64encode(data).decode("ascii")]


def _record_of(row: dict[str, Any]) -> RunRecord | None:
    files = row.get("files")
    text = files.get(MARKER) if isinstance(files, dict) and "path" in row else None
    try:
        return RunRecord.model_validate_json(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _restore(lab: Lab, out: Path, files: dict[str, str | list[str]]) -> bool:
    """Write what is missing or shorter than it was; whether run.json, which comes last, is.

    Nothing outside the lab's history is written, whatever a journal names.
    """
    if not out.resolve().is_relative_to(lab.history.resolve()):
        return False
    for name, content in files.items():
        path = out / name
        data = content.encode("utf-8") if isinstance(content, str) else b64decode(content[0])
        with disk_errors(path):
            if path.is_file() and path.stat().st_size == len(data):
                continue
            if name == MARKER:
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return not (out / MARKER).exists()


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
