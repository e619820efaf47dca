"""Make many runs on threads; processes that share a lab take them one by one."""

import gc
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from prompt_lab.errors import BudgetReached, LabError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.execute import Checkout, RunContext
from prompt_lab.experiments.ref_watch import watched_refs
from prompt_lab.names import RunEnding
from prompt_lab.ports.call_pool import CallPool
from prompt_lab.records import RunKey
from prompt_lab.report.progress import Progress
from prompt_lab.store.batch import Batch, PlannedRun
from prompt_lab.store.run_journal import RunJournal, journal_name
from prompt_lab.store.runs import is_finished
from prompt_lab.store.work_locks import WorkLocks

SWITCH_SECONDS = 0.0005
"""Python's thread switch interval during a batch; the default of 5 ms delays finished calls."""
GIVE_UP_AFTER = 5
"""Failures in a row after which a model's other runs are not tried any more in this batch."""


def make_run_context(
    ctx: LabContext, number: int, step: str, batch: Batch, keys: Collection[RunKey]
) -> RunContext:
    """Create what the runs of a batch share: worktrees, adapter and gateway."""
    config = ctx.step(step)
    workspace = ctx.workspace(config.target)
    checkouts = {}
    for side in sorted({key.side for key in keys}):
        tree = workspace.worktree(batch.commits[side])
        checkouts[side] = Checkout(batch.commits[side], tree, *workspace.observe(tree))
    adapter = ctx.adapter(step)
    own_process = ctx.runs_in_own_process(step)
    gateway = ctx.gateway({key.model for key in keys}) if own_process else None
    prompts = {
        side: adapter.prompt_text(workspace, commit)
        for side, commit in (batch.commits.items() if own_process else ())
    }
    return RunContext(
        ctx,
        number,
        step,
        adapter,
        config.primary,
        checkouts,
        judged=config.judge is not None,
        prompts=prompts,
        gateway=gateway,
        usage_files=ctx.defaults.layout == "planexe",
    )


class CircuitBreaker:
    """Stops asking a model that failed several times in a row. Safe for threads."""

    def __init__(self) -> None:
        self._in_a_row: dict[str, int] = {}
        self._lock = Lock()

    def refusal(self, model: str) -> str | None:
        """Why the model is not asked any more, or None."""
        if self._in_a_row.get(model, 0) < GIVE_UP_AFTER:
            return None
        return f"  {model}: failed {GIVE_UP_AFTER} times in a row; its other runs were not tried"

    def record(self, model: str, *, failed: bool) -> None:
        """Count how a call of the model ended."""
        with self._lock:
            self._in_a_row[model] = self._in_a_row.get(model, 0) + 1 if failed else 0


def _nothing() -> None:
    """Report no one."""


@dataclass
class RunMaker:
    """Makes runs on a pool of threads for each model, with as many places as its `workers`.

    With `locks` a run is made under the lock of its number in `pieces`, so that no two processes
    make it at the same time; what another process has finished meanwhile is not made again.
    """

    run_context: RunContext
    progress: Progress
    batch: str = ""
    """The name of the batch, for the journal of its finished runs."""
    locks: WorkLocks | None = None
    pieces: Mapping[RunKey, int] = field(default_factory=dict)
    faults: dict[RunKey, str] = field(default_factory=dict)
    made: int = 0
    found: int = 0
    _breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def make(
        self,
        own: Mapping[RunKey, PlannedRun],
        shared: Mapping[RunKey, PlannedRun],
        finished: Callable[[RunKey, RunEnding], None],
    ) -> None:
        """Make the runs; `finished` is called for each of `own` once the disk has it.

        Runs of `shared` that another process is making are left to it. Failures are in `faults`
        afterwards.
        """
        runs = {**own, **shared}
        site = self.run_context
        name = journal_name(site.number, site.step, self.batch)
        with (
            watched_refs(site.ctx, site.number, site.step),
            RunJournal(site.ctx.lab, name) as journal,
            self._pools(runs) as pools,
        ):

            def report(key: RunKey, ending: RunEnding) -> None:
                """Only once the disk has the run; of a shared one nothing is reported."""
                done = partial(finished, key, ending) if key in own else _nothing
                if ending is RunEnding.MADE:
                    journal.add(runs[key].path, done)
                elif ending is RunEnding.FOUND:
                    done()

            waiting = self._take(pools, runs, runs, report, own=own, wait=False)
            self._take(pools, runs, [k for k in waiting if k in own], report, own=own, wait=True)

    def _take(
        self,
        pools: Mapping[str, CallPool[RunEnding]],
        runs: Mapping[RunKey, PlannedRun],
        keys: Iterable[RunKey],
        finished: Callable[[RunKey, RunEnding], None],
        *,
        own: Collection[RunKey],
        wait: bool,
    ) -> list[RunKey]:
        """Make what no other process is making; the keys of the rest. `wait` for those too."""
        futures: dict[Future[RunEnding], RunKey] = {
            pools[key.model].submit(partial(self._one, key, runs[key], wait=wait)): key
            for key in keys
        }
        left = []
        for future in as_completed(futures):
            key, ending = futures[future], future.result()
            if ending is RunEnding.ELSEWHERE:
                left.append(key)
                if key in own:
                    continue
            self.made += ending is RunEnding.MADE
            self.found += ending in (RunEnding.FOUND, RunEnding.ELSEWHERE)
            self.progress.record_end(
                ok=ending not in (RunEnding.FAILED, RunEnding.UNTRIED),
                tried=ending is not RunEnding.UNTRIED,
            )
            finished(key, ending)
        return left

    def _one(self, key: RunKey, planned: PlannedRun, *, wait: bool) -> RunEnding:
        with self._turn(key, wait=wait) as mine:
            if not mine:
                return RunEnding.ELSEWHERE
            out = self.run_context.ctx.lab.root / planned.path
            if is_finished(out):
                return RunEnding.FOUND
            budget = self.run_context.ctx.call_budget
            fault = (budget and budget.find_refusal()) or self._breaker.refusal(key.model)
            if fault is not None:
                self.faults[key] = fault
                return RunEnding.UNTRIED
            return self._attempt(key, planned, out)

    def _attempt(self, key: RunKey, planned: PlannedRun, out: Path) -> RunEnding:
        fault = None
        try:
            self.run_context.run(key, planned)
        except BudgetReached as error:  # says nothing about the model
            self.faults[key] = str(error)
            return RunEnding.FAILED
        except LabError as error:
            if is_finished(out):
                return RunEnding.FOUND
            said = str(error)
            fault = f"  {said}" if said.startswith(key.model) else f"  {key.model}: {said}"
        self._breaker.record(key.model, failed=fault is not None)
        if fault is None:
            return RunEnding.MADE
        self.faults[key] = fault
        return RunEnding.FAILED

    def _turn(self, key: RunKey, *, wait: bool) -> AbstractContextManager[bool]:
        if self.locks is None:
            return nullcontext(True)
        piece = self.pieces[key]
        return self.locks.hold(piece) if wait else self.locks.try_to_hold(piece)

    @contextmanager
    def _pools(self, keys: Iterable[RunKey]) -> Iterator[dict[str, CallPool[RunEnding]]]:
        """A pool for each model. Ctrl-C drops what waits."""
        widths = {key.model: self.run_context.ctx.models[key.model].workers for key in keys}
        usual = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.freeze()  # thousands of tasks are alive anyway, so the collector need not scan them
        pools = {m: CallPool[RunEnding](width, f"run-{m}") for m, width in widths.items()}
        try:
            yield pools
        finally:
            gc.unfreeze()
            sys.setswitchinterval(usual)
            for pool in pools.values():
                pool.close()
