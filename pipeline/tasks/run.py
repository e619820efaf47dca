"""One run of a batch; luigi may hand out many at once, which then share one process."""

import gc
import sys
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from math import inf
from threading import Lock
from typing import Any

import luigi

from adapters.registry import OWN_PROCESS
from pipeline.progress import Progress
from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.batching import current
from pipeline.tasks.parameters import Batched, WholeParameter
from prompt_lab.errors import LabError, StoreError, TransientError
from prompt_lab.experiments.execute import Checkout, RunContext
from prompt_lab.experiments.gather import rows_now
from prompt_lab.names import Side, count
from prompt_lab.records import RunKey, RunRow
from prompt_lab.store.batch import Batch, PlannedRun, batch_path, read_batch, runs_by_key
from prompt_lab.store.runs import MARKER, is_finished, set_aside_damaged

SWITCH_SECONDS = 0.0005
"""How long a busy thread may hold up those whose answer has come; Python's own 5 ms add up."""
SHARE = 10
"""Runs that a process is handed by a luigid at once, for each call that it makes at a time."""
GIVE_UP_AFTER = 5
"""Failures in a row after which a model's other runs are not tried any more in this batch."""


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
        """Make every member that is not finished. Raises OutsideFailure if any could not be had."""
        hold_lab(self.context)
        root = self.context.lab.root
        left = {k: p for k, p in self.members().items() if not is_finished(root / p.path)}
        title = f"iteration {self.number}, {self.batch} runs" if self.number else "noise floor"
        with Progress(title, len(left)) as progress:
            faults = self._make(left, progress)
        if faults:
            if reports := current():
                reports.before_failing()
            raise TransientError(
                f"{len(faults)} of {count(len(left), 'run')} could not be made; those that were "
                "are kept, and the same command makes the rest.\n"
                + "\n".join(sorted(set(faults))[:5])
            )

    def _make(self, left: dict[RunKey, PlannedRun], progress: Progress) -> list[str]:
        bench = self._run_context(left)
        breaker = Breaker()

        def make(key: RunKey) -> str | None:
            fault = breaker.refuses(key.model)
            if fault is None:
                try:
                    bench.run(key, left[key])
                except LabError as error:
                    said = str(error)
                    fault = f"  {said}" if said.startswith(key.model) else f"  {key.model}: {said}"
                breaker.note(key.model, failed=fault is not None)
            return fault

        faults = []
        with _pools(self, left) as pools:
            futures = {pools[key.model].submit(make, key): key for key in left}
            for future in as_completed(futures):
                fault = future.result()
                progress.record_end(ok=fault is None)
                if fault is None:
                    self._report(futures[future])
                else:
                    faults.append(fault)
        return faults

    def _run_context(self, left: Iterable[RunKey]) -> RunContext:
        ctx, config = self.context, self.context.step(self.step)
        batch = read_batch(batch_path(ctx.lab, self.number, self.step, self.batch))
        workspace = ctx.workspace(config.target)
        sites = {}
        for side in sorted({key.side for key in left}):
            tree = workspace.worktree(batch.commits[side])
            sites[side] = Checkout(batch.commits[side], tree, *workspace.observe(tree))
        adapter = ctx.adapter(self.step)
        asks = ctx.gateway({key.model for key in left}) if config.adapter in OWN_PROCESS else None
        judged = config.judge is not None
        return RunContext(
            ctx, self.number, self.step, adapter, config.primary, sites, judged, gateway=asks
        )

    def _report(self, key: RunKey) -> None:
        if reports := current():
            reports.member_done(run_task(self.number, self.step, self.batch, key).task_id)


class Breaker:
    """Stops asking a model that failed several times in a row. Safe for threads."""

    def __init__(self) -> None:
        self._in_a_row: dict[str, int] = {}
        self._lock = Lock()

    def refuses(self, model: str) -> str | None:
        """Why the model is not asked any more, or None."""
        if self._in_a_row.get(model, 0) < GIVE_UP_AFTER:
            return None
        return f"  {model}: failed {GIVE_UP_AFTER} times in a row; its other runs were not tried"

    def note(self, model: str, *, failed: bool) -> None:
        """How a call of the model ended."""
        with self._lock:
            self._in_a_row[model] = self._in_a_row.get(model, 0) + 1 if failed else 0


@cache
def run_task(number: int, step: str, batch: str, key: RunKey) -> Run:
    """The task of one run; kept, since luigi takes longer to make it than to look it up."""
    return Run(
        step=step,
        number=number,
        batch=batch,
        side=key.side.value,
        model=key.model,
        plan=key.plan,
        replicate=str(key.replicate),
    )


def missing_runs(experiment: Experiment, batch: Batch) -> list[luigi.Task]:
    """The tasks of the runs that are made in any case and are not there yet."""
    root = experiment.context.lab.root
    return [
        run_task(experiment.number, experiment.step, batch.name, key)
        for key, planned in batch.by_key().items()
        if not (planned.reused or planned.if_promising or is_finished(root / planned.path))
    ]


def all_runs(experiment: Experiment, batch: Batch) -> Generator[Any, Any, list[RunRow]]:
    """Yield the runs of a batch until all are there; their rows without the probes."""
    rows = None
    while rows is None:
        yield missing_runs(experiment, batch)
        rows = sound_rows(experiment, batch)
    return rows


def sound_rows(experiment: Experiment, batch: Batch) -> list[RunRow] | None:
    """The finished runs of a batch, a reused one replaced where it was made again.

    None where records were damaged: those were set aside, so that the runs are made anew. Raises
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


@contextmanager
def _pools(task: Run, left: Iterable[RunKey]) -> Iterator[dict[str, ThreadPoolExecutor]]:
    """A pool of threads for each model, as wide as its `workers`. Ctrl-C drops what waits."""
    models = {key.model for key in left}
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # thousands of tasks are kept anyway: no collection need look at them meanwhile
    pools = {m: ThreadPoolExecutor(task.context.models[m].workers, f"run-{m}") for m in models}
    try:
        yield pools
    finally:
        gc.unfreeze()
        sys.setswitchinterval(usual)
        for pool in pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
