"""One run of a batch; luigi may hand out many at once, which then share one process."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.batching import current
from pipeline.tasks.parameters import Batched, WholeParameter
from pipeline.wiring import lab_context
from prompt_lab.errors import TransientError
from prompt_lab.lazy import call_on_use
from prompt_lab.names import RunEnding, Side, count
from prompt_lab.records import RunKey
from prompt_lab.store.batch import Batch, PlannedRun, batch_path, read_batch, runs_by_key
from prompt_lab.store.layout import MARKER
from prompt_lab.store.runs import is_finished
from prompt_lab.store.work_locks import WorkLocks

if TYPE_CHECKING:
    from prompt_lab.experiments.context import LabContext
    from prompt_lab.experiments.execute import RunContext
    from prompt_lab.experiments.make_runs import RunMaker, make_run_context
    from prompt_lab.experiments.needs import RunsNeeded
    from prompt_lab.report.progress import Progress

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.make_runs": "RunMaker make_run_context",
        "prompt_lab.report.progress": "Progress",
    },
)


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
        """All runs at once; from a luigid as many as calls are made at a time.

        A process that has made its part continues with what is left of all parts.
        """
        if luigi.interface.core().local_scheduler:
            return inf
        path = batch_path(self.context.lab, self.number, self.step, self.batch)
        return calls_at_a_time(self.context, read_batch(path))

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
        """Make every member that is not finished, and what no other process makes of the rest.

        Raises TransientError if any could not be had.
        """
        hold_lab(self.context)
        own = self._unfinished(self.members())
        shared = self._unfinished(self._shared())
        shared = {key: planned for key, planned in shared.items() if key not in own}
        title = self._title()
        total = len(own) + len(shared)
        reports = current()
        with Progress(title, total, reports.progress if reports else None) as progress:
            maker = self._maker({**own, **shared}, progress)
            maker.make(own, shared, partial(self._report, self.context.lab.root))
        if maker.found:
            by = f"{maker.made} made by this process, {maker.found} by others"
            print(f"{title}: {by}", file=sys.stderr, flush=True)
        self._after(maker, own)
        if maker.faults:
            faults = sorted(set(maker.faults.values()))
            raise TransientError(
                f"{len(maker.faults)} of {count(total, 'run')} could not be made; "
                "finished runs are kept, and the same command makes the rest.\n"
                + "\n".join(faults[:5])
            )

    def _title(self) -> str:
        if self.number:
            return f"iteration {self.number}, {self.batch} runs"
        return self.batch.replace("_", " ") if "_" in self.batch else "noise floor"

    def _unfinished(self, runs: Mapping[RunKey, PlannedRun]) -> dict[RunKey, PlannedRun]:
        root = self.context.lab.root
        return {key: run for key, run in runs.items() if not is_finished(root / run.path)}

    def _shared(self) -> dict[RunKey, PlannedRun]:
        """All runs that luigid knows as asked for and not done, be they another process's."""
        reports = current()
        if reports is None or not reports.watched:
            return {}
        known = runs_by_key(batch_path(self.context.lab, self.number, self.step, self.batch))
        names = Run.batch_param_names()
        asked = {tuple(p[n] for n in names) for p in reports.unfinished_like(self, names)}
        written = {
            key: {"side": key.side.value, "model": key.model, "plan": key.plan}
            | {"replicate": str(key.replicate)}
            for key in known
        }
        return {k: known[k] for k, text in written.items() if tuple(map(text.get, names)) in asked}

    def _after(self, maker: RunMaker, own: Collection[RunKey]) -> None:
        reports = current()
        if reports is None:
            return
        if maker.faults:
            reports.before_failing()
        for key, reason in maker.faults.items():
            if key not in own:
                reports.task_failed(
                    run_task(self.number, self.step, self.batch, key).task_id, reason
                )
        # The rest of what it made is handed to it next, as finished: that goes all at once.
        reports.limit_batches(Run, inf)

    def _maker(self, left: Collection[RunKey], progress: Progress) -> RunMaker:
        reports = current()
        if reports is None or not reports.watched:
            return RunMaker(self._run_context(left), progress, self.batch)
        path = batch_path(self.context.lab, self.number, self.step, self.batch)
        pieces = {key: piece for piece, key in enumerate(runs_by_key(path))}
        locks = WorkLocks(self.context.lab, f"{self.number}_{self.step}_{self.batch}_runs")
        return RunMaker(self._run_context(left), progress, self.batch, locks, pieces)

    def _run_context(self, left: Collection[RunKey]) -> RunContext:
        batch = read_batch(batch_path(self.context.lab, self.number, self.step, self.batch))
        return make_run_context(self.context, self.number, self.step, batch, left)

    def _report(self, root: Path, key: RunKey, ending: RunEnding) -> None:
        if reports := current():
            task = _run_task(root, self.number, self.step, self.batch, key)
            reports.member_done(task.task_id, at_once=ending is RunEnding.MADE)


def run_task(number: int, step: str, batch: str, key: RunKey) -> Run:
    """The task of one run of this process's lab."""
    return _run_task(lab_context().lab.root, number, step, batch, key)


@cache
def _run_task(_: Path, number: int, step: str, batch: str, key: RunKey) -> Run:
    """Kept, since luigi takes longer to make it than to look it up."""
    return Run(
        step=step,
        number=number,
        batch=batch,
        side=key.side.value,
        model=key.model,
        plan=key.plan,
        replicate=str(key.replicate),
    )


def calls_at_a_time(ctx: LabContext, batch: Batch) -> int:
    """How many calls one process makes at a time for a batch, over all its models."""
    return sum(ctx.models[model].workers for model in {run.model for run in batch.runs})


def run_tasks(context: LabContext, number: int, step: str, need: RunsNeeded) -> list[luigi.Task]:
    """The tasks of these runs, to be asked for; luigid hands them out in small parts again."""
    reports = current()
    if reports is not None and need.keys:
        batch = read_batch(batch_path(context.lab, number, step, need.batch))
        reports.limit_batches(Run, calls_at_a_time(context, batch))
    root = context.lab.root
    return [_run_task(root, number, step, need.batch, key) for key in need.keys]
