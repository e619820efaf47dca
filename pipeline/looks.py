"""The trial of an iteration: it asks for its runs look by look and stops when they settle it."""

from collections.abc import Generator, Sequence
from typing import Any

import luigi

from pipeline.base import Phase
from pipeline.gather import version_at
from pipeline.run import run_task, sound_rows
from prompt_lab.decide.verdict import Evidence, Policy, Trial
from prompt_lab.evaluate.pairs import lengths_of, pairs_of, whole_pairs
from prompt_lab.names import Split
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch
from prompt_lab.store.iterations import RunsSummary, read_change, read_meta
from prompt_lab.store.runs import is_finished


def trial_of(phase: Phase, policy: Policy | None = None, *, ran: bool = True) -> Trial:
    """The trial as it was planned: the policy of the iteration, its models, its train plans.

    Plans whose answers stand in the new prompt are left out; all of them where nothing `ran` on
    purpose. `policy` asks another one instead.
    """
    ctx = phase.ctx
    meta = read_meta(ctx.lab, phase.number, phase.step)
    change = read_change(ctx.lab, phase.number, phase.step)
    rule = policy or meta.judged_by or ctx.policy(meta.policy)
    prompts = (version_at(phase, change.base_commit), version_at(phase, change.commit))
    return Trial(
        rule.model_copy(update={"replicates": meta.replicates}),
        meta.models,
        [name for name in meta.plans[Split.TRAIN] if ran and name not in change.shown],
        Evidence(lengths=lengths_of(prompts)),
    )


def settle(trial: Trial, rows: Sequence[RunRow]) -> list[RunRow]:
    """Give a trial all there will ever be; the rows of the plans that its verdict is about.

    What was run beyond the look that decided, or is not there at all, does not move it.
    """
    if trial.update(whole_pairs(rows)) is None:
        trial.update(pairs_of(rows))
    trial.close()
    return asked(trial, rows)


def asked(trial: Trial, rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows of the plans that the trial has asked for so far."""
    plans = set(trial.asked)
    return [row for row in rows if row.record.plan in plans]


def in_looks(phase: Phase, batch: Batch, trial: Trial) -> Generator[Any, Any, list[RunRow]]:
    """Yield the runs of one look after the other until there is a verdict; the rows it is about.

    Luigi begins this anew after each look, and the trial then stands where it stood.
    """
    while True:
        rows = sound_rows(phase, batch)
        if rows is None:
            continue
        trial.update(whole_pairs(rows))
        tasks = _missing(phase, batch, trial)
        if not tasks:
            return asked(trial, rows)
        yield tasks


def with_looks(
    summary: RunsSummary, batch: Batch, trial: Trial, rows: Sequence[RunRow]
) -> RunsSummary:
    """The summary of a trial's runs, with where it stopped and what that spared."""
    settle(trial, rows)
    assert trial.verdict is not None
    plans = set(trial.asked)
    spared = [run for run in batch.runs if run.plan not in plans and not (run.reused or run.probe)]
    at = {"look": trial.verdict.look, "looks": trial.verdict.looks, "runs_spared": len(spared)}
    return summary.model_copy(update={"plans": trial.asked, **at})


def _missing(phase: Phase, batch: Batch, trial: Trial) -> list[luigi.Task]:
    root, plans = phase.ctx.lab.root, set(trial.asked)
    return [
        run_task(phase.number, phase.step, batch.name, key)
        for key, planned in batch.by_key().items()
        if planned.plan in plans and not (planned.reused or is_finished(root / planned.path))
    ]
