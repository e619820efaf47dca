"""Finished runs after a power cut: everything that was not synced is gone, no reported run is."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.store.reusable import reusable_runs
from prompt_lab.store.row_journal import OsJournalDisk
from prompt_lab.store.run_journal import (
    FOLDER,
    MOST_BYTES,
    RunJournal,
    drop_journals,
    journal_name,
    restore_runs,
)
from prompt_lab.store.runs import finish, read_row, start
from tests.prompt_lab.store.test_runs import NOW, record

NAME = journal_name(7, "levers", "train")
EARLIER = "an-earlier-boot"


class CountedDisk(OsJournalDisk):
    """Knows which bytes the disk has."""

    def __init__(self) -> None:
        self.written = self.synced = b""

    def write(self, handle: int, data: bytes) -> None:
        super().write(handle, data)
        self.written += bytes(data)

    def sync(self, handle: int) -> None:
        super().sync(handle)
        self.synced = self.written


def made(lab: Lab, plan: str, answer: bytes = b"an answer") -> str:
    """A finished run; its path."""
    out = start(lab.run_folder(7, "levers"), plan, now=NOW)
    (out / "levers.json").write_bytes(answer)
    (out / "more").mkdir()
    (out / "more" / "deep.txt").write_text("also")
    finish(lab, out, record(plan=plan, content_key=f"key of {plan}"), usage_files=False)
    return lab.relative(out)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


def test_a_run_is_reported_once_the_disk_has_it_and_not_before(lab: Lab) -> None:
    disk, had = CountedDisk(), list[bool]()

    def note(plan: str) -> None:
        had.append(plan.encode() in disk.synced)

    with RunJournal(lab, NAME, disk) as journal:
        for n in range(20):
            journal.add(made(lab, f"plan-{n}"), partial(note, f"plan-{n}"))
    assert had == [True] * 20


def test_a_power_cut_loses_no_reported_run(lab: Lab) -> None:
    """Of the first run all files are gone, of the second run.json is empty, the third is whole."""
    with RunJournal(lab, NAME, boot=EARLIER) as journal:
        paths = [made(lab, plan) for plan in ("gone", "torn", "whole")]
        for path in paths:
            journal.add(path, lambda: None)
    before = [read_row(lab, path, ("levers.json",), reused=False) for path in paths]
    shutil.rmtree(lab.root / paths[0])
    for name in ("run.json", "levers.json"):
        (lab.root / paths[1] / name).write_bytes(b"")
    lab.reusable.unlink()
    assert restore_runs(lab, NAME) == 2
    assert [read_row(lab, path, ("levers.json",), reused=False) for path in paths] == before
    assert (lab.root / paths[0] / "more" / "deep.txt").read_text() == "also"
    assert set(reusable_runs(lab).scored) == {"key of gone", "key of torn"}
    (lab.root / paths[0] / "run.json").unlink()  # by a user, who wants it made again
    assert restore_runs(lab, NAME) == 0


def test_an_answer_that_is_no_text_comes_back_byte_by_byte(lab: Lab) -> None:
    with RunJournal(lab, NAME, boot=EARLIER) as journal:
        path = made(lab, "p", b"\xff\x00\xfe")
        journal.add(path, lambda: None)
    shutil.rmtree(lab.root / path)
    assert restore_runs(lab, NAME) == 1
    assert (lab.root / path / "levers.json").read_bytes() == b"\xff\x00\xfe"


def test_what_a_user_removes_stays_removed(lab: Lab) -> None:
    """The machine has not been started again, so no power cut took it."""
    with RunJournal(lab, NAME) as journal:
        path = made(lab, "p")
        journal.add(path, lambda: None)
    (lab.root / path / "run.json").unlink()
    assert restore_runs(lab, NAME) == 0
    assert not (lab.root / path / "run.json").exists()


def test_a_large_run_is_synced_itself(lab: Lab) -> None:
    with RunJournal(lab, NAME, boot=EARLIER) as journal:
        journal.add(made(lab, "p", b"x" * (MOST_BYTES + 1)), lambda: None)
    [file] = (lab.work / FOLDER).iterdir()
    assert file.stat().st_size < 1000
    assert restore_runs(lab, NAME) == 0


def test_half_a_row_and_a_path_outside_the_history_restore_nothing(lab: Lab) -> None:
    with RunJournal(lab, NAME, boot=EARLIER) as journal:
        path = made(lab, "p")
        journal.add(path, lambda: None)
    [file] = (lab.work / FOLDER).iterdir()
    whole = file.read_text()
    shutil.rmtree(lab.root / path)
    file.write_text(whole.replace(path, "../outside") + whole[:200])
    assert restore_runs(lab, NAME) == 0
    assert not (lab.root.parent / "outside").exists()


def test_journals_are_dropped_by_iteration(lab: Lab) -> None:
    for number in (7, 77):
        with RunJournal(lab, journal_name(number, "levers", "train")) as journal:
            journal.add(made(lab, f"p{number}"), lambda: None)
    drop_journals(lab, "7_")
    [left] = (lab.work / FOLDER).iterdir()
    assert left.name.startswith("77_")
    assert len(read_rows(left)) == 1
