"""Read a table of examples: CSV, TSV, JSON or JSON Lines. Every row is read or has a reason."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.errors import StoreError
from prompt_lab.json_limits import parse_json
from prompt_lab.store.files import disk_errors, read_given_text

LONGEST_CELL = 16 << 20
"""Characters of one cell of a CSV file."""
MOST_BYTES = 512 << 20
_DELIMITERS = ",;\t|"
KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")


class DataRow(NamedTuple):
    """One example. `line` counts from 1: where it ends in the file, or its place in a JSON list."""

    line: int
    values: Mapping[str, Any]


class RejectedRow(NamedTuple):
    """A row that makes no plan, and why."""

    line: int
    reason: str


class DataTable(NamedTuple):
    """The rows of a file in their order; every value of a CSV file is text."""

    columns: tuple[str, ...]
    rows: tuple[DataRow, ...]
    rejected: tuple[RejectedRow, ...]


def read_table(path: Path) -> DataTable:
    """Raises StoreError for a file that cannot be read as a table at all."""
    if path.suffix.lower() not in KINDS:
        raise StoreError(f"{path}: is none of {', '.join(KINDS)}. Save it as one of these.")
    text = _read_text(path)
    read = {".csv": _read_csv, ".tsv": _read_csv, ".json": _read_json}.get(
        path.suffix.lower(), _read_lines
    )
    found = list(read(path, text))
    rows = tuple(row for row in found if isinstance(row, DataRow))
    columns = dict.fromkeys(name for row in rows for name in row.values)
    rejected = tuple(row for row in found if isinstance(row, RejectedRow))
    return DataTable(tuple(columns), rows, rejected)


def _read_text(path: Path) -> str:
    with disk_errors(path):
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise StoreError(f"{path}: holds more than {MOST_BYTES >> 20} MB: divide it")
    return read_given_text(path)


def _read_csv(path: Path, text: str) -> Iterator[DataRow | RejectedRow]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _find_delimiter(text)
    before = csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            if not cells:
                continue
            if len(cells) != len(header):
                reason = f"has {len(cells)} cells, and the header {len(header)}"
                yield RejectedRow(reader.line_num, reason)
                continue
            yield DataRow(reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise StoreError(
            f"{path}:{reader.line_num}: cannot be read as CSV: {error}. Quote the cell, and double"
            " the quotes in it."
        ) from error
    finally:
        csv.field_size_limit(before)


def _find_delimiter(text: str) -> str:
    """The one that the first line has most of; a comma where it has none."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _check_header(path: Path, header: list[str]) -> None:
    if not any(header):
        raise StoreError(f"{path}:1: has no header: name the columns in the first line")
    for name in header:
        if not name:
            raise StoreError(f"{path}:1: a column has no name: name it, or remove it")
        if header.count(name) > 1:
            raise StoreError(f"{path}:1: two columns are called {name!r}: rename one")


def _read_lines(_path: Path, text: str) -> Iterator[DataRow | RejectedRow]:
    # splitlines() would also divide at characters that JSON strings may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _row_of(number, line)


def _read_json(path: Path, text: str) -> Iterator[DataRow | RejectedRow]:
    try:
        found = parse_json(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise StoreError(
            f"{path}:{line}: is not JSON: {error}. One object for each line is called *.jsonl."
        ) from error
    if not isinstance(found, list):
        raise StoreError(f"{path}:1: must be a list of objects, one for each example")
    for place, item in enumerate(found, 1):
        yield _to_row(place, item)


def _row_of(number: int, line: str) -> DataRow | RejectedRow:
    try:
        return _to_row(number, parse_json(line))
    except (ValueError, RecursionError) as error:
        return RejectedRow(number, f"is not JSON: {str(error)[:200]}")


def _to_row(number: int, item: object) -> DataRow | RejectedRow:
    if not isinstance(item, dict):
        return RejectedRow(number, "is no JSON object")
    return DataRow(number, item)
