"""CRASH: nobody answered, or not one answer could be used. No verdict; it stays open."""

from collections.abc import Sequence

from pipeline.base import Phase, utc_now
from prompt_lab.errors import LabError
from prompt_lab.evaluate.answered import (
    Silence,
    explain_error,
    no_answer_to_measure,
    nobody_answered,
    nothing_to_compare,
)
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, set_aside
from prompt_lab.store.iterations import RunsSummary, read_meta
from prompt_lab.store.journal import note
from prompt_lab.store.layout import NO_ITERATION

EVENT = "crashed"
TAINT = "runs_tainted"


class Crash(LabError):
    """Nothing could be compared because nothing ran: not a verdict, the iteration stays open."""


def refuse_silence(phase: Phase, batch: Batch, rows: Sequence[RunRow]) -> None:
    """Raises Crash where the rows of both sides are no evidence; the next call makes them anew.

    So it is where no row holds a valid answer, where a side of a model had no answer at all, and
    where the whole baseline failed in the step itself.
    """
    _refuse(phase, batch, nothing_to_compare(rows))


def refuse_unanswered(phase: Phase, batch: Batch, rows: Sequence[RunRow]) -> None:
    """The same of runs of one side alone: raises Crash where a model never answered."""
    _refuse(phase, batch, nobody_answered(rows))


def refuse_unmeasurable(phase: Phase, batch: Batch, rows: Sequence[RunRow]) -> None:
    """Raises Crash where runs of the baseline hold too few answers to measure its noise."""
    _refuse(phase, batch, no_answer_to_measure(rows))


def note_taint(phase: Phase, batch: Batch, summary: RunsSummary) -> None:
    """Let no later trial rest on runs that found, or may have found, what another one had left."""
    gone = any(head != batch.commits[side] for side, (head, _) in summary.observed.items())
    if gone or summary.dirt:  # each run's record tells which plan folder it was made with
        of = {"iteration": phase.number, "commits": sorted(set(batch.commits.values()))}
        for model in read_meta(phase.ctx.lab, phase.number, phase.step).models:
            note(phase.ctx.lab, TAINT, now=utc_now(), model=model, **of)


def _refuse(phase: Phase, batch: Batch, silence: Silence | None) -> None:
    if silence is None:
        return
    facts = {"iteration": phase.number, "batch": batch.name}
    for model in silence.models:
        note(phase.ctx.lab, EVENT, now=utc_now(), model=model, **facts)
    set_aside(batch_path(phase.ctx.lab, phase.number, phase.step, batch.name))
    first, iterates = silence.first, phase.number != NO_ITERATION
    give_up = f" To give this iteration up, move {phase.folder} out of the lab." if iterates else ""
    raise Crash(
        f"{silence.text}, so there is nothing to {'compare' if iterates else 'measure'}. "
        f"The first: {explain_error(first)} ({phase.ctx.lab.root / first.path}). "
        f"Fix the model's config in {phase.ctx.configs / 'models'}, or the step; the same command "
        f"then makes these runs again.{give_up}"
    )
