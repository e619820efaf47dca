"""Make the missing runs of a batch in one process: a pool of threads for each model."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Lock

from prompt_lab.errors import LabError, TransientError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.execute import Checkout, RunContext
from prompt_lab.names import count
from prompt_lab.records import RunKey
from prompt_lab.report.progress import Progress, ReportProgress
from prompt_lab.store.batch import PlannedRun, batch_path, read_batch

SWITCH_SECONDS = 0.0005
"""How long a busy thread may hold up those whose answer has come; Python's own 5 ms add up."""
GIVE_UP_AFTER = 5
"""Failures in a row after which a model's other runs are not tried any more in this batch."""


def make_runs(
    context: LabContext,
    batch: tuple[int, str, str],
    missing: Mapping[RunKey, PlannedRun],
    *,
    on_done: Callable[[RunKey], None],
    on_progress: ReportProgress | None = None,
) -> None:
    """Make runs of a batch (iteration number, step, name); `on_done` is called after each.

    Raises TransientError if any could not be made; those that were made are kept.
    """
    number, _, name = batch
    title = f"iteration {number}, {name} runs" if number else "noise floor"
    with Progress(title, len(missing), on_progress) as progress:
        run_context = _run_context(context, batch, missing)
        faults = []
        breaker = CircuitBreaker()
        with _pools(context, missing) as pools:
            futures = {
                pools[key.model].submit(_make_one, run_context, breaker, key, planned): key
                for key, planned in missing.items()
            }
            for future in as_completed(futures):
                fault = future.result()
                progress.record_end(ok=fault is None)
                if fault is None:
                    on_done(futures[future])
                else:
                    faults.append(fault)
    if faults:
        raise TransientError(
            f"{len(faults)} of {count(len(missing), 'run')} could not be made; those that were "
            "are kept, and the same command makes the rest.\n" + "\n".join(sorted(set(faults))[:5])
        )


def _make_one(
    run_context: RunContext, breaker: "CircuitBreaker", key: RunKey, planned: PlannedRun
) -> str | None:
    """Make one run; why it could not be made, or None."""
    fault = breaker.refusal(key.model)
    if fault is None:
        try:
            run_context.run(key, planned)
        except LabError as error:
            text = str(error)
            fault = f"  {text}" if text.startswith(key.model) else f"  {key.model}: {text}"
        breaker.record(key.model, failed=fault is not None)
    return fault


def _run_context(
    context: LabContext, batch: tuple[int, str, str], missing: Iterable[RunKey]
) -> RunContext:
    number, step, name = batch
    config = context.step(step)
    planned = read_batch(batch_path(context.lab, number, step, name))
    workspace = context.workspace(config.target)
    checkouts = {}
    for side in sorted({key.side for key in missing}):
        tree = workspace.worktree(planned.commits[side])
        checkouts[side] = Checkout(planned.commits[side], tree, *workspace.observe(tree))
    adapter = context.adapter(step)
    gateway = (
        context.gateway({key.model for key in missing})
        if context.runs_in_own_process(step)
        else None
    )
    has_judge = config.judge is not None
    return RunContext(
        context, number, step, adapter, config.primary, checkouts, has_judge, gateway=gateway
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


@contextmanager
def _pools(
    context: LabContext, missing: Iterable[RunKey]
) -> Iterator[dict[str, ThreadPoolExecutor]]:
    """A pool of threads for each model, as wide as its `workers`. Ctrl-C drops what waits."""
    models = {key.model for key in missing}
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # thousands of tasks are kept anyway: no collection need look at them meanwhile
    pools = {m: ThreadPoolExecutor(context.models[m].workers, f"run-{m}") for m in models}
    try:
        yield pools
    finally:
        gc.unfreeze()
        sys.setswitchinterval(usual)
        for pool in pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
