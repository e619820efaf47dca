"""Import a folder of tables with right or wrong per item and model, one table a subject."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from prompt_lab.benchmark.compare_routing import Floats
from prompt_lab.benchmark.interval import clustered_interval
from prompt_lab.benchmark.records import ModelPhaseResult
from prompt_lab.benchmark.validity import check_validity
from prompt_lab.errors import StoreError

csv.field_size_limit(1 << 24)
RESPONSE = "_response"
MULTIPLE_CHOICE = 0.25
"""Chance of a question with four options."""


@dataclass(frozen=True)
class ImportedSubject:
    """One table: `correct` is (item, model), 0 or 1; `valid` by model, with reasons if not."""

    name: str
    models: tuple[str, ...]
    items: tuple[str, ...]
    correct: Floats
    results: tuple[ModelPhaseResult, ...]

    @property
    def is_valid(self) -> bool:
        """Whether every model's column may be used: a rule compares them all."""
        return all(row.validity == "VALID" for row in self.results)


class Table(NamedTuple):
    """A CSV table as read."""

    models: tuple[str, ...]
    items: tuple[str, ...]
    correct: Floats


def read_table(path: Path) -> Table:
    """A CSV file with a column `prompt` and one of True or False for each model.

    Raises StoreError with file and line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            head = next(reader, [])
            if not head or head[0] != "prompt" or len(head) < 3:
                raise StoreError(f"{path}:1: the columns must be 'prompt' and at least two models")
            names = [n for n in head[1:] if not n.endswith(RESPONSE)]
            columns = [head.index(name) for name in names]
            items, rows = [], []
            for row in reader:
                if len(row) != len(head):
                    raise StoreError(
                        f"{path}:{reader.line_num}: has {len(row)} of {len(head)} columns"
                    )
                items.append(sha256(row[0].encode()).hexdigest()[:16])
                rows.append([_mark(row[i], path, reader.line_num) for i in columns])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path}: cannot be read as a CSV table: {error}") from error
    if not rows:
        raise StoreError(f"{path}: holds no item")
    return Table(tuple(names), tuple(items), np.array(rows, dtype=float))


def _mark(text: str, path: Path, line: int) -> float:
    marks = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}
    if text.strip().lower() not in marks:
        raise StoreError(f"{path}:{line}: {text!r}: give True or False")
    return marks[text.strip().lower()]


def import_subject(path: Path, chance: float | None = None) -> ImportedSubject:
    """One table with the validity of each model; an item stands for a plan asked once."""
    table = read_table(path)
    name = path.stem.removesuffix("_responses")
    known = (
        chance if chance is not None else (MULTIPLE_CHOICE if name.startswith("mmlu_") else None)
    )
    rows = [
        summarize_column(model, name, [one > 0.5 for one in table.correct[:, column].tolist()])
        for column, model in enumerate(table.models)
    ]
    checked = check_validity(rows, chance=known, missing_gold=(), model_ids={})
    return ImportedSubject(name, table.models, table.items, table.correct, checked)


def summarize_column(model: str, phase: str, passes: Sequence[bool]) -> ModelPhaseResult:
    """One model's column as a result, with its interval."""
    interval = clustered_interval([[one] for one in passes])
    return ModelPhaseResult(
        model=model,
        phase=phase,
        passed=int(sum(passes)),
        total=len(passes),
        accuracy=interval.accuracy if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        effective=float(len(passes)),
        valid_answers=len(passes),
    )


def import_folder(folder: Path) -> list[ImportedSubject]:
    """Every *.csv of a folder. Raises StoreError for a folder without one."""
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise StoreError(f"{folder}: holds no *.csv table to import")
    found = [import_subject(path) for path in paths]
    if len({subject.models for subject in found}) > 1:
        raise StoreError(f"{folder}: its tables are of different models: import them apart")
    return found
