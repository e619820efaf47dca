"""duplicates.jsonl of a run folder: paid runs that another process had finished before."""

from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_lab.records import RunRecord
from prompt_lab.store.files import append_row, read_rows
from prompt_lab.store.layout import Lab

if TYPE_CHECKING:
    from prompt_lab.store.batch import Batch

DUPLICATES = "duplicates.jsonl"


def note_duplicate(folder: Path, record: RunRecord) -> None:
    """Note what a run cost whose record is not kept, since there is one already."""
    usage = record.usage
    row = {
        "timestamp": record.ended,
        "plan_name": record.plan,
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": usage.cost_usd,
    }
    append_row(folder / DUPLICATES, row)


def duplicate_cost(lab: Lab, batch: "Batch") -> tuple[int, float]:
    """Calls and US dollars that a batch took for runs that were finished already."""
    folders = {(lab.root / run.path).parent.parent for run in batch.runs if not run.reused}
    rows = [row for folder in sorted(folders) for row in read_rows(folder / DUPLICATES)]
    calls = [row["calls"] for row in rows if isinstance(row.get("calls"), int)]
    costs = [row["cost_usd"] for row in rows if isinstance(row.get("cost_usd"), int | float)]
    return sum(calls), fsum(costs)
