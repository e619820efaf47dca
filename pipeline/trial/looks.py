"""The trial of an iteration: it asks for its runs look by look and stops when they settle it."""

from collections.abc import Generator, Sequence
from typing import Any

import luigi

from pipeline.base import Phase
from pipeline.fan_out.run import all_runs, missing_runs, sound_rows, tasks_of
from pipeline.gather import changed_plans, rows_now
from pipeline.trial.failure import report_failures
from pipeline.trial.judging import left_to_judge
from pipeline.trial.trials import asked, delivered, judged, trial_of
from prompt_lab.decide.verdict import Trial
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, read_batch
from prompt_lab.store.iterations import RunsSummary
from prompt_lab.store.runs import is_finished


def in_looks(phase: Phase, batch: Batch) -> Generator[Any, Any, list[RunRow]]:
    """Yield the runs of one look after the other until there is a verdict; the rows it is about.

    Where the step has a judge, each look's runs are followed by its judgements. Luigi begins this
    anew after each look. So does the trial, since a probe may take the place of a reused run; with
    the same pairs it stands where it stood.
    """
    while True:
        rows = sound_rows(phase, batch)
        if rows is None:
            continue
        with report_failures(phase):
            trial = trial_of(phase)
            trial.update(delivered(rows, judged(phase, batch.name)))
        tasks = _missing(phase, batch, trial)
        if not tasks:
            look = sum(count <= len(trial.asked) for count in trial.design.counts)
            tasks = left_to_judge(phase, batch.name, asked(trial, rows), look)
        if not tasks or (has_both_sides(rows) and changed_plans(phase, batch)):
            return asked(trial, rows)  # no call is paid for a comparison that is void already
        yield tasks


def has_both_sides(rows: Sequence[RunRow]) -> bool:
    """Whether there is anything to compare."""
    return {row.record.side for row in rows} == set(Side)


def all_judged(phase: Phase, batch: Batch) -> Generator[Any, Any, list[RunRow]]:
    """Yield all runs of a batch, then its judgements if there is a judge; the rows."""
    rows = yield from all_runs(phase, batch)
    tasks = left_to_judge(phase, batch.name, rows, 0)
    if tasks:
        yield tasks
    return rows


def runs_under_way(phase: Phase, split: Split) -> list[luigi.Task]:
    """The runs of a split that were asked for and are not there; none before they are planned.

    Raises StoreError for a damaged record.
    """
    path = batch_path(phase.ctx.lab, phase.number, phase.step, split.value)
    if not path.exists():
        return []
    batch = read_batch(path)
    if split is Split.VERIFY:
        return missing_runs(phase, batch)
    trial = trial_of(phase)
    trial.update(delivered(rows_now(phase, batch), judged(phase, batch.name)))
    return _missing(phase, batch, trial)


def with_looks(summary: RunsSummary, batch: Batch, trial: Trial) -> RunsSummary:
    """The summary of a settled trial's runs, with where it stopped and what that spared."""
    assert trial.verdict is not None
    plans = set(trial.asked)
    spared = [
        run for run in batch.runs if run.plan not in plans and run.takes_calls and not run.probe
    ]
    at = {"look": trial.verdict.look, "looks": trial.verdict.looks, "runs_spared": len(spared)}
    at["rule_version"] = trial.policy.rule_version
    return summary.model_copy(update={"plans": trial.asked, **at})


def _missing(phase: Phase, batch: Batch, trial: Trial) -> list[luigi.Task]:
    """The runs that the trial asks for; no merge may rest on a reused run that was not probed."""
    root, plans = phase.ctx.lab.root, set(trial.asked)
    found = trial.verdict
    better = found is not None and (found.outcome is Outcome.YES or found.needs_verify)
    missing = [
        key
        for key, planned in batch.by_key().items()
        if planned.plan in plans
        and (better or not planned.if_promising)
        and not (planned.reused or is_finished(root / planned.path))
    ]
    return tasks_of(phase, batch, missing)
