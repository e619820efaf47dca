"""CRASH: not one answer could be used, so nothing can be compared. No verdict; it stays open."""

from collections.abc import Sequence

from pipeline.base import Phase, utc_now
from prompt_lab.errors import LabError
from prompt_lab.names import count
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, set_aside
from prompt_lab.store.journal import note

EVENT = "crashed"


class Crash(LabError):
    """Nothing could be compared because nothing ran: not a verdict, the iteration stays open."""


def refuse_silence(phase: Phase, batch: Batch, rows: Sequence[RunRow]) -> None:
    """Raises Crash where no row holds a valid answer; the next call then plans all runs anew."""
    if not rows or any(row.record.valid for row in rows):
        return
    models = sorted({row.record.model for row in rows})
    for model in models:
        note(phase.ctx.lab, EVENT, now=utc_now(), model=model, iteration=phase.number)
    set_aside(batch_path(phase.ctx.lab, phase.number, phase.step, batch.name))
    first, error = rows[0], rows[0].record.error
    raise Crash(
        f"None of {count(len(rows), 'answer')} of {', '.join(models)} could be used, on either "
        f"side, so there is nothing to compare. The first: {error.kind if error else 'invalid'}: "
        f"{error.message[:300] if error else ''} ({phase.ctx.lab.root / first.path}). Mend the "
        f"model's config in {phase.ctx.configs / 'models'}, or the step; the same command then "
        f"makes them anew. To give this iteration up, move {phase.folder} out of the lab."
    )
