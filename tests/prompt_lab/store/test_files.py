"""Atomic writes and appends."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from prompt_lab.errors import StoreError
from prompt_lab.store.files import append_row, disk_errors, read_record, read_rows, write_text


class Thing(BaseModel):
    n: int


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_where_a_folder_is_needed_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("")
    with pytest.raises(StoreError, match=r"lab/a\.txt.*run the same command"):
        write_text(tmp_path / "lab" / "a.txt", "x")


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.EACCES, "Fix its permissions"),
        (errno.EROFS, "only read: put it elsewhere"),
        (errno.ENOENT, "Put it where files can be made"),
        (errno.EIO, "Put it where files can be made"),
    ],
)
def test_each_fault_of_a_disk_has_its_own_cure(tmp_path: Path, number: int, cure: str) -> None:
    with pytest.raises(StoreError, match=cure), disk_errors(tmp_path):
        raise OSError(number, os.strerror(number))


def test_a_full_disk_is_a_store_error_that_names_the_file() -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("this machine has no /dev/full")
    with pytest.raises(StoreError, match="/dev/full: No space left"):
        append_row(Path("/dev/full"), {"a": 1})


def test_rows_of_many_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append_row(path, {"n": n, "x": "y" * 3000}), range(200)))
    assert sorted(row["n"] for row in read_rows(path)) == list(range(200))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_rows_without_an_error(tmp_path_factory: object, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("rows")  # type: ignore[attr-defined]
    (folder / "r").write_bytes(data + b'\n{"ok": 1}\n')
    assert {"ok": 1} in read_rows(folder / "r")


@pytest.mark.parametrize("text", ["", "{", '{"n": "x"}', "[]"])
def test_a_damaged_record_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "thing.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"thing\.json"):
        read_record(path, Thing)


def test_a_line_that_was_left_half_done_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_row(path, {"a": 1})
    with path.open("ab") as file:
        file.write(b'{"event": "crashed", "ti')
    append_row(path, {"b": 2})
    append_row(path, {"c": 3})
    assert read_rows(path) == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_endless_brackets_are_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("[" * 100_000 + '\n{"a": 1}\n')
    assert read_rows(path) == [{"a": 1}]
