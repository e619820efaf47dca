"""The trial of an iteration: request its runs look by look, and stop once it is decided."""

from collections.abc import Generator, Sequence

from prompt_lab.decide.verdict import Trial
from prompt_lab.errors import StoreError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import find_changed_plans, rows_now
from prompt_lab.experiments.llm_judge import judgements_needed
from prompt_lab.experiments.needs import Need, RunsNeeded
from prompt_lab.experiments.ref_watch import find_moved_refs
from prompt_lab.experiments.trials import (
    deciding_split,
    decision_policy,
    read_judgements,
    ready_pairs,
    replicates_in,
    rows_asked_for,
    trial_of,
)
from prompt_lab.experiments.verdict_failure import report_failures
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, read_batch
from prompt_lab.store.iterations import RunsSummary
from prompt_lab.store.runs import is_finished, set_aside_damaged


def in_looks(experiment: Experiment, batch: Batch) -> Generator[Need, None, list[RunRow]]:
    """Yield the runs of one look after the other until there is a verdict; the rows it is about.

    Where the step has a judge, each look's runs are followed by its judgements. Luigi begins this
    again after each look. So does the trial, since a probe may take the place of a reused run; with
    the same pairs it stands where it stood.
    """
    while True:
        rows = sound_rows(experiment, batch)
        if rows is None:
            continue
        with report_failures(experiment):
            trial = _trial_so_far(experiment, batch, rows)
        need: Need | None = _runs_needed(experiment, batch, trial)
        if need is None:
            look = sum(count <= len(trial.plans_asked_for) for count in trial.design.counts)
            need = judgements_needed(experiment, batch.name, rows_asked_for(trial, rows), look)
        spoilt = find_changed_plans(experiment, batch) or find_moved_refs(experiment)
        if need is None or (has_both_sides(rows) and spoilt):
            return rows_asked_for(trial, rows)  # an INVALID comparison must cost no calls
        yield need


def has_both_sides(rows: Sequence[RunRow]) -> bool:
    """Whether there is anything to compare."""
    return {row.record.side for row in rows} == set(Side)


def all_judged(experiment: Experiment, batch: Batch) -> Generator[Need, None, list[RunRow]]:
    """Yield all runs of a batch, then its judgements if there is a judge; the rows."""
    rows = yield from all_runs(experiment, batch)
    need = judgements_needed(experiment, batch.name, rows, 0)
    if need is not None:
        yield need
    return rows


def all_runs(experiment: Experiment, batch: Batch) -> Generator[Need, None, list[RunRow]]:
    """Yield the runs of a batch until all are there; their rows without the probes."""
    rows = None
    while rows is None:
        yield missing_runs(experiment, batch)
        rows = sound_rows(experiment, batch)
    return rows


def missing_runs(experiment: Experiment, batch: Batch) -> RunsNeeded:
    """The missing runs that are made in any case."""
    root = experiment.context.lab.root
    keys = (
        key
        for key, planned in batch.by_key().items()
        if not (planned.reused or planned.if_promising or is_finished(root / planned.path))
    )
    return RunsNeeded(batch.name, tuple(keys))


def sound_rows(experiment: Experiment, batch: Batch) -> list[RunRow] | None:
    """The finished runs of a batch, a reused one replaced where it was made again.

    None where records were damaged: those were set aside, so that the runs are made again. Raises
    StoreError for a damaged record of an earlier iteration.
    """
    try:
        rows = rows_now(experiment, batch)
    except StoreError:
        root = experiment.context.lab.root
        if not [r for r in batch.runs if not r.reused and set_aside_damaged(root / r.path)]:
            raise
        return None
    return rows


def runs_under_way(experiment: Experiment, split: Split) -> RunsNeeded | None:
    """The runs of a split that were asked for and are not there; none before they are planned.

    Raises StoreError for a damaged record.
    """
    path = batch_path(experiment.context.lab, experiment.number, experiment.step, split.value)
    if not path.exists():
        return None
    batch = read_batch(path)
    if split is not deciding_split(decision_policy(experiment)):
        return missing_runs(experiment, batch)
    trial = _trial_so_far(experiment, batch, rows_now(experiment, batch))
    return _runs_needed(experiment, batch, trial)


def _trial_so_far(experiment: Experiment, batch: Batch, rows: Sequence[RunRow]) -> Trial:
    """The trial with all pairs that are there."""
    trial = trial_of(experiment)
    known, replicates = read_judgements(experiment, batch.name), replicates_in(experiment, trial)
    trial.update(ready_pairs(rows, known, replicates))
    return trial


def with_looks(summary: RunsSummary, batch: Batch, trial: Trial) -> RunsSummary:
    """The summary of a decided trial's runs: where it stopped and what that saved."""
    assert trial.verdict is not None
    plans = set(trial.plans_asked_for)
    spared = [
        run for run in batch.runs if run.plan not in plans and run.takes_calls and not run.probe
    ]
    at = {"look": trial.verdict.look, "looks": trial.verdict.looks, "runs_spared": len(spared)}
    return summary.model_copy(update={"plans": trial.plans_asked_for, **at})


def _runs_needed(experiment: Experiment, batch: Batch, trial: Trial) -> RunsNeeded | None:
    """The runs that the trial asks for.

    A reused run must be probed before it counts for a merge.
    """
    root, plans = experiment.context.lab.root, set(trial.plans_asked_for)
    found = trial.verdict
    better = found is not None and (found.outcome is Outcome.YES or found.needs_verify)
    keys = tuple(
        key
        for key, planned in batch.by_key().items()
        if planned.plan in plans
        and (better or not planned.if_promising)
        and not (planned.reused or is_finished(root / planned.path))
    )
    return RunsNeeded(batch.name, keys) if keys else None
