"""Runs: make every run of a split that is not there yet, then check what was really run."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import luigi

from pipeline.console import say
from pipeline.tasks.base import Phase, utc_now
from pipeline.tasks.parameters import SplitParameter
from pipeline.tasks.turns import uses_luigid
from prompt_lab.errors import LabError, StoreError
from prompt_lab.evaluate.answered import told_unanswered
from prompt_lab.evaluate.evidence import not_exercised
from prompt_lab.evaluate.inputs import describe_outside
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.crash import note_taint, refuse_silence
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import rows_now, side_facts, summarise_batch, summary_file
from prompt_lab.experiments.implement import Implement
from prompt_lab.experiments.leak_check import leaks_under_test
from prompt_lab.experiments.looks import (
    all_judged,
    has_both_sides,
    in_looks,
    runs_under_way,
    with_looks,
)
from prompt_lab.experiments.trials import read_judgements, settle_trial, trial_of
from prompt_lab.experiments.verdict_failure import report_failures
from prompt_lab.names import Side, Split
from prompt_lab.store.batch import Batch
from prompt_lab.store.iterations import RunsSummary, read_change, read_meta
from prompt_lab.store.journal import events, note
from prompt_lab.store.runs import is_finished


class Runs(Phase):
    """All runs of both sides over one split. Writes runs_<split>.json."""

    split = SplitParameter(default=Split.TRAIN, description="train or verify")

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each split."""
        return summary_file(self.split)

    def requires(self) -> list[luigi.Task]:
        """The change that is to be run; with a luigid also the runs that are under way.

        So a process that comes later has them without running this phase, which another one may
        be at.
        """
        return [self.clone_as(Implement), *self._under_way]

    @cached_property
    def _under_way(self) -> list[luigi.Task]:
        """As it was when the command began: luigi looks at it again before this phase runs."""
        if not uses_luigid() or self.skip_runner:
            return []
        try:
            return runs_under_way(self, self.split)
        except LabError:  # run() says it
            return []

    def work(self) -> Iterator[Any]:
        """Yield the runs that are missing; write what all came to."""
        order = order_of(self, self.split)
        if order is None:
            self._write(RunsSummary.nothing(self.split, "the step reads the same on both sides"))
            return
        found = leaks_under_test(self)
        if found:
            why = "the candidate sends text of verify plans"
            self._write(RunsSummary.nothing(self.split, why, found))
            return
        trial = trial_of(self) if self.split is Split.TRAIN else None
        batch = batch_for(self, order)
        _log_reading(self, batch)
        if self.skip_runner:
            rows = rows_now(self, batch)
        elif trial is None:
            rows = yield from all_judged(self, batch)
        else:
            rows = yield from in_looks(self, batch)
        if not has_both_sides(rows):
            raise StoreError(
                f"{self.folder}: the runs of one side are not there, so there is nothing to "
                "compare. Leave --skip-runner out."
            )
        refuse_silence(self, batch, rows)
        if told := told_unanswered(rows):
            say(told)
        opened = [path for row in rows for path in row.record.sent.files]
        found = leaks_under_test(self, opened)
        summary = summarise_batch(self, batch, rows).model_copy(update={"leaked": found})
        if summary.read_outside:
            say(describe_outside(summary.read_outside))
        if trial is not None:
            with report_failures(self):
                settle_trial(trial, rows, read_judgements(self, batch.name))
                summary = with_looks(summary, batch, trial)
        note_taint(self, batch, summary)
        self._write(summary)

    def _write(self, summary: RunsSummary) -> None:
        for model, numbers in summary.drifted.items():
            note(self.context.lab, "baseline_drifted", now=utc_now(), model=model, numbers=numbers)
        self.write(summary.model_dump_json(indent=2) + "\n")


def order_of(experiment: Experiment, split: Split) -> BatchOrder | None:
    """The runs that a split takes; None where the step reads the same on both sides."""
    lab = experiment.context.lab
    meta = read_meta(lab, experiment.number, experiment.step)
    change = read_change(lab, experiment.number, experiment.step)
    commits = {Side.BASELINE: change.base_commit, Side.CANDIDATE: change.commit}
    facts = {side: side_facts(experiment, commit) for side, commit in commits.items()}
    if not_exercised(facts[Side.BASELINE], facts[Side.CANDIDATE]) is not None:
        return None
    plans = trial_of(experiment).plans if split is Split.TRAIN else meta.plans[split]
    return BatchOrder(split.value, split, commits, meta.models, plans, meta.replicates)


def _log_reading(experiment: Experiment, batch: Batch) -> None:
    """Every use of verify is logged once for each iteration, before it happens."""
    if batch.split is not Split.VERIFY:
        return
    seen = [e.get("iteration") for e in events(experiment.context.lab, "verify_read")]
    root = experiment.context.lab.root
    if experiment.number not in seen and not all(is_finished(root / r.path) for r in batch.runs):
        plans = sorted({r.plan for r in batch.runs})
        note(
            experiment.context.lab,
            "verify_read",
            now=utc_now(),
            iteration=experiment.number,
            plans=len(plans),
        )
