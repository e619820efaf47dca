"""Where the task engine keeps what it knows: work/ at the root of the task's repository."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prompt_lab.store.files import append_row, disk_errors, read_rows, write_text

LATEST_BYTES = 1 << 16
"""Of results.jsonl: a row that a dead engine has written is among these."""
_NUMBER = re.compile(r"[0-9]+")


class TaskStore:
    """The folders of one task. Makes nothing by itself."""

    def __init__(self, root: Path, task_id: str, file: str = "") -> None:
        self.work = root / "work"
        self.results = self.work / "results.jsonl"
        self.task_id = task_id
        self._file = file
        """The task's file, from the root."""
        self.folder = self.work / "tasks" / task_id
        self._owner = self.folder / "file.json"
        self.lock = self.folder / "lock"
        self.running = self.folder / "running.json"
        self.tree = self.folder / "tree"
        self._tree_user = self.folder / "tree.user"
        self.scores = self.folder / "scores"
        self.attempts = self.folder / "attempts"
        self.keeps = self.folder / "keeps"
        self.pending = self.folder / "pending"

    def attempt(self, number: int) -> Path:
        """The folder of one attempt."""
        return self.attempts / str(number)

    def record(self, number: int) -> Path:
        """The record of one attempt: the proof that it is over."""
        return self.attempt(number) / "record.json"

    def claim(self) -> int:
        """The next attempt's number, which no other process is given."""
        with disk_errors(self.attempts):
            if not self.work.exists():
                self.work.mkdir()
                # What the engine keeps is never committed.
                write_text(self.work / ".gitignore", "*\n", durable=False)
            self.attempts.mkdir(parents=True, exist_ok=True)
            if self._file and self.owner() != self._file:
                write_text(self._owner, json.dumps({"file": self._file}) + "\n", durable=False)
            number = max([*_numbers(self.attempts), *_numbers(self.keeps)], default=0) + 1
            while True:
                try:
                    self.attempt(number).mkdir()
                except FileExistsError:
                    number += 1
                else:
                    return number

    def owner(self) -> str:
        """The file whose task this is, from the root; '' where no attempt was made."""
        try:
            told = json.loads(self._owner.read_text("utf-8"))
            return str(told["file"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def take_tree(self, engine: str) -> bool:
        """Note which engine uses the tree from now on; whether another one used it last."""
        try:
            last = self._tree_user.read_text("utf-8")
        except (OSError, ValueError):
            last = ""
        if last != engine:
            write_text(self._tree_user, engine, durable=False)
        return last != engine

    def progress_path(self, first: int) -> Path:
        """How far a campaign has come."""
        return self.folder / "campaigns" / f"{first}.course.json"

    def campaign(self, first: int) -> Path:
        """The record of a campaign that is over."""
        return self.folder / "campaigns" / f"{first}.json"

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row to results.jsonl, unless it is there: a recovered engine may add it again."""
        if dict(row) not in read_rows(self.results, LATEST_BYTES):
            append_row(self.results, dict(row))

    def rows(self, last_bytes: int = 0) -> list[dict[str, Any]]:
        """This task's rows of results.jsonl, oldest first; of so many bytes at its end, or all."""
        found = read_rows(self.results, last_bytes)
        return [row for row in found if row.get("task_id") == self.task_id]

    def had_baseline(self) -> bool:
        """Whether the workspace could be scored at some time, or holds or held a keep."""
        return any(_numbers(self.keeps)) or any(
            row.get("baseline_score") is not None or row.get("status") == "keep"
            for row in self.rows()
        )

    def last_keep(self) -> int:
        """The newest keep that was not taken back; 0 where there is none."""
        return max(_numbers(self.keeps), default=0)

    def keep(self, number: int) -> Path:
        """The snapshot of a keep: what the artifacts were before and after it."""
        return self.keeps / str(number)


def _numbers(folder: Path) -> Iterator[int]:
    if folder.is_dir():
        yield from (int(name) for name in os.listdir(folder) if _NUMBER.fullmatch(name))
