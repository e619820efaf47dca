"""The rows of one file of facts as outcomes, and what of it could not be read."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.facts import MalformedRow, name_row, parse_row, read_outcome
from prompt_lab.promptops.personal import hide_personal
from prompt_lab.store.files import append_row

FOLDER: Final = "promptops"
ASIDE: Final = "malformed_rows.jsonl"
LONGEST_ROW: Final = 1_000_000
"""Bytes; a longer line is malformed."""
MOST_ASIDE: Final = 200
"""Malformed rows of one file and call that are kept; the others are only counted."""
_HEAD: Final = 1024


class AsideRows:
    """What of one file could not be read; the first rows are kept without personal data.

    `keeps`: whether they are written; else they are only counted.
    """

    def __init__(self, path: Path, *, keeps: bool = True) -> None:
        self._path, self._keeps = path, keeps
        self.count = 0
        self.first = ""

    def add(self, offset: int, line: bytes, reason: str) -> None:
        """Keep one row with its reason."""
        self.count += 1
        self.first = self.first or reason
        if self.count > MOST_ASIDE or not self._keeps:
            return
        text = hide_personal(line[:500].decode("utf-8", "replace"))
        row = {"file": self._path.name, "offset": offset, "reason": reason, "text": text}
        folder = self._path.parent if self._path.parent.name == FOLDER else self._path.parents[1]
        append_row(folder / ASIDE, row)


class FactReader:
    """The outcomes of a file from an offset on, read as the store takes them.

    While an outcome is handled, `offset` is where its line begins.
    """

    def __init__(self, path: Path, name: str, offset: int, now: str, aside: AsideRows) -> None:
        self._path, self._name, self._now, self._aside = path, name, now, aside
        self.offset = offset
        self.rows = 0

    def __iter__(self) -> Iterator[CallOutcome]:
        with self._path.open("rb") as file:
            head = sha256(file.readline(_HEAD)).hexdigest()
            file.seek(self.offset)
            while line := file.readline(LONGEST_ROW + 1):
                if len(line) > LONGEST_ROW:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST_ROW)
                    self.rows += 1
                    self._aside.add(self.offset, b"", "longer than 1 MB")
                elif line.strip():
                    outcome = self._read(line, head)
                    if outcome is _UNFINISHED:
                        return
                    if isinstance(outcome, CallOutcome):
                        yield outcome
                self.offset = file.tell()

    def _read(self, line: bytes, head: str) -> CallOutcome | str | None:
        try:
            row = parse_row(line)
        except MalformedRow as error:
            if not line.endswith(b"\n"):
                return _UNFINISHED
            self.rows += 1
            self._aside.add(self.offset, line, str(error))
            return None
        self.rows += 1
        try:
            key = name_row(self._name, head, self.offset, line.strip())
            return read_outcome(self._name, row, key, self._now)
        except MalformedRow as error:
            self._aside.add(self.offset, line, str(error))
            return None


_UNFINISHED: Final = "unfinished"
"""A last line that its writer has not ended yet: it is read by the next call."""
