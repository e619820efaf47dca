"""Rows of a journal: none is reported before the disk has it, whenever the power is cut."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.store.files import read_rows
from prompt_lab.store.row_journal import OsJournalDisk, RowJournal
from tests.processes import HANG_SECONDS


class LoggedDisk(OsJournalDisk):
    """Logs writes, syncs and reports in their order; does all of them too."""

    def __init__(self) -> None:
        self.log: list[tuple[str, bytes]] = []

    def write(self, handle: int, data: bytes) -> None:
        self.log.append(("write", bytes(data)))
        super().write(handle, data)

    def sync(self, handle: int) -> None:
        super().sync(handle)
        self.log.append(("sync", b""))

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.log.append(("sync_folder", b""))

    def report(self, name: str) -> Callable[[], None]:
        return lambda: self.log.append(("report", name.encode()))


def after_power_cut(log: list[tuple[str, bytes]]) -> tuple[set[str], set[str]]:
    """The rows that were reported by then, and those that a disk has that loses all unsynced."""
    pending, kept, reported, has_name = b"", b"", set[str](), False
    for kind, data in log:
        if kind == "write":
            pending += data
        elif kind == "sync":
            kept, pending = kept + pending, b""
        elif kind == "sync_folder":
            has_name = True
        else:
            reported.add(data.decode())
    rows = kept.decode().splitlines() if has_name else []
    return reported, {json.loads(row)["name"] for row in rows}


def test_a_power_cut_at_any_moment_loses_no_row_that_was_reported(tmp_path: Path) -> None:
    disk = LoggedDisk()
    with RowJournal(tmp_path / "rows.jsonl", disk, group_seconds=0.001) as journal:

        def work(thread: int) -> None:
            for n in range(40):
                name = f"{thread}-{n}"
                journal.append({"name": name}, disk.report(name))

        threads = [Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for moment in range(len(disk.log) + 1):
        reported, kept = after_power_cut(disk.log[:moment])
        assert reported <= kept
    assert len(reported) == len(kept) == 320
    assert sum(kind == "sync" for kind, _ in disk.log) < 320


def test_half_a_row_of_a_killed_writer_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"name": "a"}\n{"na')
    with RowJournal(path) as journal:
        journal.append({"name": "b"}, lambda: None)
    assert [row["name"] for row in read_rows(path)] == ["a", "b"]


def test_a_full_disk_reports_nothing_and_names_the_file(tmp_path: Path) -> None:
    class FullDisk(OsJournalDisk):
        def sync(self, handle: int) -> None:
            raise OSError(28, "No space left on device")

    reported: list[int] = []

    def append() -> None:
        with RowJournal(tmp_path / "rows.jsonl", FullDisk()) as journal:
            journal.append({"name": "a"}, lambda: reported.append(1))

    with pytest.raises(StoreError, match=r"rows.jsonl.*Free some space"):
        append()
    assert reported == []


def test_a_row_is_reported_without_the_end_of_the_journal(tmp_path: Path) -> None:
    seen = Event()
    with RowJournal(tmp_path / "rows.jsonl") as journal:
        journal.append({"name": "a"}, seen.set)
        assert seen.wait(HANG_SECONDS)
