"""The outcome log takes in the files of facts: each row once, what is malformed aside.

The position in each file is kept in promptops/ingested.json, written after the rows are in the
database, which takes the same row twice without harm: a killed call is repeated.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import Field

from prompt_lab.errors import StoreError
from prompt_lab.names import count
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.promptops.fact_rows import ASIDE, FOLDER, AsideRows, FactReader
from prompt_lab.promptops.facts import FEEDBACK, METRICS, TRACES
from prompt_lab.promptops.question_plans import GoldenCase, parse_case
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import disk_errors, read_if_whole, write_record
from prompt_lab.store.layout import Lab

STATE: Final = "ingested.json"
DRIFT_SHARE: Final = 0.5
DRIFT_ROWS: Final = 20
_HEAD: Final = 1024


class FilePosition(Record):
    """How far one file has been read."""

    offset: int = 0
    head: str = Field(default="", description="sha256 of its first bytes, to see a replaced file")
    head_bytes: int = 0


class IngestState(Record):
    """promptops/ingested.json."""

    version: int = VERSION
    files: dict[str, FilePosition] = {}


class IngestReport(NamedTuple):
    """What one call took in. `problems` are sentences on files that need a person's look."""

    rows: int
    outcomes: int
    malformed: int
    problems: tuple[str, ...]


class _FileRows(NamedTuple):
    position: FilePosition
    rows: int
    outcomes: int
    malformed: int
    problems: tuple[str, ...]


def ingest_facts(lab: Lab, store: OutcomeStore, *, now: str) -> IngestReport:
    """Read what is new in the files of facts into the store. May be repeated.

    A file that cannot be read, was replaced, or holds mostly malformed rows is a problem that is
    reported and stops no other file. `now` (UTC) is the time of rows that have none. Raises
    StoreError only where the database or the folder of the lab itself cannot be written.
    """
    folder = lab.root / FOLDER
    state = read_if_whole(folder / STATE, IngestState) or IngestState()
    files = dict(state.files)
    rows = outcomes = malformed = 0
    problems: list[str] = []
    for name in (METRICS, FEEDBACK, TRACES):
        path = folder / name
        if not path.exists():
            continue
        try:
            read = _ingest_file(path, name, files.get(name, FilePosition()), store, now)
        except OSError as error:
            problems.append(
                f"{path}: {error.strerror or error}. Fix it; the other files were read."
            )
            continue
        files[name] = read.position
        rows, outcomes = rows + read.rows, outcomes + read.outcomes
        malformed += read.malformed
        problems += read.problems
    after = IngestState(files=files)
    if after != state:
        write_record(folder / STATE, after)
    return IngestReport(rows, outcomes, malformed, tuple(problems))


def render_report(report: IngestReport) -> str:
    """The report as lines for a terminal."""
    line = (
        f"{count(report.rows, 'row')} read, {count(report.outcomes, 'new outcome')}, "
        f"{report.malformed:,} malformed"
    )
    return "\n".join([line, *(f"  {one}" for one in report.problems)])


def read_golden(lab: Lab) -> tuple[tuple[GoldenCase, ...], tuple[str, ...]]:
    """(cases of every promptops/**/query_eval_cases*.json, what is wrong with others)."""
    cases: list[GoldenCase] = []
    problems: list[str] = []
    folder = lab.root / FOLDER
    paths = sorted(
        {*folder.glob("query_eval_cases*.json"), *folder.glob("facts/query_eval_cases*.json")}
    )
    for path in paths:
        try:
            cases += read_cases(path)
        except StoreError as error:
            problems.append(str(error))
    return tuple(cases), tuple(problems)


def read_cases(path: Path) -> tuple[GoldenCase, ...]:
    """The cases of one file. Raises StoreError with the number of the first wrong case."""
    fix = 'Write a list of {"id", "query", "expects_any" or another expectation}'
    try:
        with disk_errors(path):
            value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: is not JSON: {error}. {fix}.") from error
    if not isinstance(value, list):
        raise StoreError(f"{path}: is no list. {fix}.")
    found = []
    for number, one in enumerate(value, 1):
        try:
            found.append(parse_case(one))
        except ValueError as error:
            raise StoreError(f"{path}: case {number}: {error}. {fix}.") from error
    twice = sorted({one.id for one in found if sum(one.id == two.id for two in found) > 1})
    if twice:
        raise StoreError(f"{path}: id {twice[0]!r} is there twice. Give each case its own.")
    return tuple(found)


def _ingest_file(
    path: Path, name: str, before: FilePosition, store: OutcomeStore, now: str
) -> _FileRows:
    problems = []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = sha256(file.read(before.head_bytes)).hexdigest() if before.head_bytes else ""
    start = before.offset
    if size < start or head != before.head:
        problems.append(f"{path}: is another file than before: it was read from its beginning.")
        start = 0
    aside = AsideRows(path)
    read = FactReader(path, name, start, now, aside)
    added = store.add(read)
    if aside.count and aside.count >= DRIFT_SHARE * read.rows and read.rows >= DRIFT_ROWS:
        problems.append(
            f"{path}: {aside.count:,} of {read.rows:,} rows are malformed, the first: "
            f"{aside.first}. Has its form changed? They are in {ASIDE} beside it."
        )
    position = _position(path, read.offset)
    return _FileRows(position, read.rows, added.new, aside.count, tuple(problems))


def note_rewritten(lab: Lab, name: str) -> None:
    """Note that rows of a file that were read already were overwritten in place."""
    path = lab.root / FOLDER / STATE
    state = read_if_whole(path, IngestState) or IngestState()
    if known := state.files.get(name):
        after = _position(lab.root / FOLDER / name, known.offset)
        write_record(path, IngestState(files={**state.files, name: after}))


def _position(path: Path, offset: int) -> FilePosition:
    size = min(_HEAD, offset)
    with path.open("rb") as file:
        head = sha256(file.read(size)).hexdigest() if size else ""
    return FilePosition(offset=offset, head=head, head_bytes=size)
