"""The trial of an iteration: it asks for its runs look by look and stops when they settle it."""

from collections.abc import Generator, Sequence
from typing import Any

import luigi

from pipeline.tasks.run import all_runs, missing_runs, sound_rows, tasks_of
from prompt_lab.decide.verdict import Trial
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import changed_plans, rows_now
from prompt_lab.experiments.llm_judge import left_to_judge
from prompt_lab.experiments.trials import read_judgements, ready_pairs, rows_asked_for, trial_of
from prompt_lab.experiments.verdict_failure import report_failures
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, read_batch
from prompt_lab.store.iterations import RunsSummary
from prompt_lab.store.runs import is_finished


def in_looks(experiment: Experiment, batch: Batch) -> Generator[Any, Any, list[RunRow]]:
    """Yield the runs of one look after the other until there is a verdict; the rows it is about.

    Where the step has a judge, each look's runs are followed by its judgements. Luigi begins this
    anew after each look. So does the trial, since a probe may take the place of a reused run; with
    the same pairs it stands where it stood.
    """
    while True:
        rows = sound_rows(experiment, batch)
        if rows is None:
            continue
        with report_failures(experiment):
            trial = trial_of(experiment)
            trial.update(ready_pairs(rows, read_judgements(experiment, batch.name)))
        tasks = _missing_runs(experiment, batch, trial)
        if not tasks:
            look = sum(count <= len(trial.plans_asked_for) for count in trial.design.counts)
            tasks = left_to_judge(experiment, batch.name, rows_asked_for(trial, rows), look)
        if not tasks or (has_both_sides(rows) and changed_plans(experiment, batch)):
            return rows_asked_for(
                trial, rows
            )  # no call is paid for a comparison that is void already
        yield tasks


def has_both_sides(rows: Sequence[RunRow]) -> bool:
    """Whether there is anything to compare."""
    return {row.record.side for row in rows} == set(Side)


def all_judged(experiment: Experiment, batch: Batch) -> Generator[Any, Any, list[RunRow]]:
    """Yield all runs of a batch, then its judgements if there is a judge; the rows."""
    rows = yield from all_runs(experiment, batch)
    tasks = left_to_judge(experiment, batch.name, rows, 0)
    if tasks:
        yield tasks
    return rows


def runs_under_way(experiment: Experiment, split: Split) -> list[luigi.Task]:
    """The runs of a split that were asked for and are not there; none before they are planned.

    Raises StoreError for a damaged record.
    """
    path = batch_path(experiment.context.lab, experiment.number, experiment.step, split.value)
    if not path.exists():
        return []
    batch = read_batch(path)
    if split is Split.VERIFY:
        return missing_runs(experiment, batch)
    trial = trial_of(experiment)
    trial.update(ready_pairs(rows_now(experiment, batch), read_judgements(experiment, batch.name)))
    return _missing_runs(experiment, batch, trial)


def with_looks(summary: RunsSummary, batch: Batch, trial: Trial) -> RunsSummary:
    """The summary of a settled trial's runs, with where it stopped and what that spared."""
    assert trial.verdict is not None
    plans = set(trial.plans_asked_for)
    spared = [
        run for run in batch.runs if run.plan not in plans and run.takes_calls and not run.probe
    ]
    at = {"look": trial.verdict.look, "looks": trial.verdict.looks, "runs_spared": len(spared)}
    at["rule_version"] = trial.policy.rule_version
    return summary.model_copy(update={"plans": trial.plans_asked_for, **at})


def _missing_runs(experiment: Experiment, batch: Batch, trial: Trial) -> list[luigi.Task]:
    """The runs that the trial asks for; no merge may rest on a reused run that was not probed."""
    root, plans = experiment.context.lab.root, set(trial.plans_asked_for)
    found = trial.verdict
    better = found is not None and (found.outcome is Outcome.YES or found.needs_verify)
    missing = [
        key
        for key, planned in batch.by_key().items()
        if planned.plan in plans
        and (better or not planned.if_promising)
        and not (planned.reused or is_finished(root / planned.path))
    ]
    return tasks_of(experiment, batch, missing)
