"""CRASH: no model answered, or not one answer could be used. No verdict; it stays open."""

from collections.abc import Sequence

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError
from prompt_lab.evaluate.answered import (
    UnansweredRuns,
    explain_error,
    no_answer_to_measure,
    nobody_answered,
    nothing_to_compare,
)
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.names import Split
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, set_aside
from prompt_lab.store.iterations import RunsSummary, read_meta
from prompt_lab.store.journal import note
from prompt_lab.store.layout import NO_ITERATION
from prompt_lab.store.sealed import is_sealed

EVENT = "crashed"
TAINT = "runs_tainted"


class Crash(LabError):
    """No run gave a usable answer, so there is no verdict; the iteration stays open."""


def refuse_silence(experiment: Experiment, batch: Batch, rows: Sequence[RunRow]) -> None:
    """Raises Crash if the rows of both sides are no evidence; the next call makes them again.

    That is if no row has a valid answer, a model had no answer on one side, or the step itself
    failed on the whole baseline.
    """
    _refuse(experiment, batch, nothing_to_compare(rows))


def refuse_unanswered(experiment: Experiment, batch: Batch, rows: Sequence[RunRow]) -> None:
    """The same for runs of one side: raises Crash if a model never answered."""
    _refuse(experiment, batch, nobody_answered(rows))


def refuse_unmeasurable(experiment: Experiment, batch: Batch, rows: Sequence[RunRow]) -> None:
    """Raises Crash where runs of the baseline hold too few answers to measure its noise."""
    _refuse(experiment, batch, no_answer_to_measure(rows))


def note_taint(experiment: Experiment, batch: Batch, summary: RunsSummary) -> None:
    """Exclude runs from reuse that read, or may have read, what another run had left."""
    gone = any(head != batch.commits[side] for side, (head, _) in summary.observed.items())
    if (
        gone or summary.dirt or summary.refs_moved
    ):  # each run's record says which plan folder it was made with
        of = {"iteration": experiment.number, "commits": sorted(set(batch.commits.values()))}
        for model in read_meta(experiment.context.lab, experiment.number, experiment.step).models:
            note(experiment.context.lab, TAINT, now=utc_now(), model=model, **of)


def _refuse(experiment: Experiment, batch: Batch, silence: UnansweredRuns | None) -> None:
    if silence is None:
        return
    facts = {"iteration": experiment.number, "batch": batch.name}
    for model in silence.models:
        note(experiment.context.lab, EVENT, now=utc_now(), model=model, **facts)
    set_aside(batch_path(experiment.context.lab, experiment.number, experiment.step, batch.name))
    first, iterates = silence.first, experiment.number != NO_ITERATION
    example = f"{explain_error(first)} ({experiment.context.lab.root / first.path})"
    if batch.split is Split.VERIFY and is_sealed(experiment.folder):
        example = first.record.error.kind if first.record.error else "an invalid answer"
    give_up = (
        f" To give this iteration up: prompt-lab give-up --number {experiment.number}."
        if iterates
        else ""
    )
    raise Crash(
        f"{silence.text}, so there is nothing to {'compare' if iterates else 'measure'}. "
        f"The first: {example}. "
        f"Fix the model's config in {experiment.context.files.place('models')}, or the step; "
        f"the same command then makes these runs again.{give_up}"
    )
