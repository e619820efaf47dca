"""One run of a batch; Luigi may hand out many at once, which then share one process."""

from functools import cache
from math import inf

import luigi

from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.batching import current
from pipeline.tasks.parameters import Batched, WholeParameter
from prompt_lab.errors import TransientError
from prompt_lab.experiments.fan_out import make_runs
from prompt_lab.names import Side
from prompt_lab.records import RunKey
from prompt_lab.store.batch import PlannedRun, batch_path, read_batch, runs_by_key
from prompt_lab.store.runs import MARKER, is_finished

SHARE = 10
"""Runs that a process is handed by a luigid at once, for each call that it makes at a time."""


class Run(LabTask):
    """Its file is run.json in the plan's run folder; a batch's files are those of its members."""

    step = luigi.Parameter()
    number = WholeParameter("--number")
    batch = luigi.Parameter(description="scout, train or verify")
    side = Batched("baseline or candidate")
    model = Batched("alias")
    plan = Batched("name")
    replicate = Batched("from 0; a probe of replicate n is -1 - n")

    @property
    def max_batch_size(self) -> float:  # type: ignore[override]
        """All runs at once; by a luigid a share, which leaves some to other processes."""
        if luigi.interface.core().local_scheduler:
            return inf
        batch = read_batch(batch_path(self.context.lab, self.number, self.step, self.batch))
        models = {run.model for run in batch.runs}
        return SHARE * sum(self.context.models[model].workers for model in models)

    def members(self) -> dict[RunKey, PlannedRun]:
        """The runs that this task stands for."""
        path = batch_path(self.context.lab, self.number, self.step, self.batch)
        split, known = read_batch(path).split, runs_by_key(path)
        values = (self.side, self.model, self.plan, self.replicate)
        columns = [v if isinstance(v, tuple) else (v,) for v in values]
        keys = (
            RunKey(split, Side(side), model, plan, int(replicate))
            for side, model, plan, replicate in zip(*columns, strict=True)
        )
        return {key: known[key] for key in keys}

    def output(self) -> File | list[File]:
        """run.json of each member."""
        root = self.context.lab.root
        files = [File(str(root / p.path / MARKER)) for p in self.members().values()]
        return files if len(files) > 1 else files[0]

    def run(self) -> None:
        """Make every member that is not finished. Raises TransientError if any could not be had."""
        hold_lab(self.context)
        root, reports = self.context.lab.root, current()
        missing = {k: p for k, p in self.members().items() if not is_finished(root / p.path)}
        batch = (self.number, self.step, self.batch)
        on_progress = reports.progress if reports else None
        try:
            make_runs(self.context, batch, missing, on_done=self._report, on_progress=on_progress)
        except TransientError:
            if reports:
                reports.before_failing()
            raise

    def _report(self, key: RunKey) -> None:
        if reports := current():
            reports.member_done(run_task(self.number, self.step, self.batch, key).task_id)


@cache
def run_task(number: int, step: str, batch: str, key: RunKey) -> Run:
    """The task of one run; cached, since luigi takes longer to make it than to look it up."""
    return Run(
        step=step,
        number=number,
        batch=batch,
        side=key.side.value,
        model=key.model,
        plan=key.plan,
        replicate=str(key.replicate),
    )
