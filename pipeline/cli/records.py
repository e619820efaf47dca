"""What `--json` prints: the content of the files that a command has written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.tasks.after_merge import CheckMerges
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import Compare, Ledger, Replay
from pipeline.tasks.loop import Loop
from prompt_lab.experiments.budget_grant import budgets
from prompt_lab.experiments.compare import measure_ranges
from prompt_lab.experiments.pages import ledger_entries, loop_rows
from prompt_lab.store.sealed import may_be_shown


def iteration_records(task: Iteration) -> Mapping[str, Any]:
    """Every JSON file of the iteration's folder by its stem; of a dry run there is none."""
    return {
        "iteration": task.number,
        "step": task.step,
        "folder": str(task.folder),
        "records": {} if task.dry_run else read_folder(task.folder),
    }


def loop_records(task: Loop) -> Mapping[str, Any]:
    """Every JSON file of the loop's folder by its stem."""
    folder = task.loop.folder
    return {
        "loop": task.number,
        "step": task.step,
        "folder": str(folder),
        "records": read_folder(folder),
    }


def ledger_records(task: Ledger) -> Mapping[str, Any]:
    """The rows of index.html."""
    context = task.context
    return {
        "index": str(context.lab.index),
        "iterations": [row.model_dump(mode="json") for row in ledger_entries(context)],
        "loops": [row.model_dump(mode="json") for row in loop_rows(context.lab)],
        "budgets": [budget.model_dump(mode="json") for budget in budgets(context)],
    }


def compare_records(task: Compare) -> Mapping[str, Any]:
    """What the written documents are about: both ranges, the measurements and the verdict."""
    compared = measure_ranges(task.context, task.before, task.after)
    return {name: part.model_dump(mode="json") for name, part in compared._asdict().items()}


def merge_records(task: CheckMerges) -> Mapping[str, Any]:
    """The ledger's entry of each merge, with what its re-tests show."""
    found = [
        row.model_dump(mode="json")
        for row in ledger_entries(task.context)
        if row.merged and task.step in ("", row.step) and task.number in (0, row.iteration)
    ]
    return {"merges": found}


def replay_records(task: Replay) -> Mapping[str, Any]:
    """One result for each verdict, with the line that a person reads."""
    return {"verdicts": [one._asdict() for one in task.found]}


def read_folder(folder: Path) -> dict[str, Any]:
    """stem -> content of each JSON file of a folder; None for one that is damaged.

    Files with figures of sealed plans are left out until those are revealed.
    """
    return {
        path.stem: _read(path)
        for path in sorted(folder.glob("*.json"))
        if may_be_shown(folder, path.name)
    }


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
