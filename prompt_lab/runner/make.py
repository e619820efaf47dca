"""Make the runs that are missing in a run folder, some at a time, and sum up what all came to."""

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError
from prompt_lab.evaluate.answered import unanswered
from prompt_lab.experiments.execute import Checkout, RunContext
from prompt_lab.experiments.make_runs import CircuitBreaker
from prompt_lab.names import Side, Split, Status, count
from prompt_lab.ports.call_pool import CallPool
from prompt_lab.records import RunKey, RunRecord
from prompt_lab.report.progress import Progress
from prompt_lab.runner.order import RunnerOrder
from prompt_lab.store.batch import PlannedRun
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.journal import note
from prompt_lab.store.layout import MARKER, NO_ITERATION
from prompt_lab.store.runs import is_finished, set_aside_damaged, unmark


@dataclass(frozen=True)
class RunnerResult:
    """How the plans of an order stand: finished ones with their records, and what failed."""

    records: tuple[RunRecord, ...]
    faults: tuple[str, ...]
    taken_over: int


def run_context_of(order: RunnerOrder, side: Side, site: Checkout) -> RunContext:
    """Plans without gold are run too; only a step of the target's own scores them."""
    adapter = order.ctx.adapter(order.step)
    return RunContext(
        ctx=order.ctx,
        number=NO_ITERATION,
        step=order.step,
        adapter=adapter,
        primary=order.ctx.step(order.step).primary,
        sites={side: site},
        judged=not adapter.in_own_process,
        gateway=order.ctx.gateway(order.models) if adapter.in_own_process else None,
        plans=order.plans,
        fallbacks=order.models[1:],
        phase=order.phase,
        limit_seconds=order.seconds,
    )


def make_runs(order: RunnerOrder, folder: Path, bench: RunContext) -> RunnerResult:
    """Make every plan that is not finished. An outside failure is a fault, not an exception."""
    [side] = bench.sites
    outs = {name: folder / "outputs" / name for name in order.names}
    for out in outs.values():
        set_aside_damaged(out)
        earlier = read_if_whole(out / MARKER, RunRecord)
        if earlier is not None and earlier.error is not None:
            unmark(out, "error")  # as the original does: what ended in an error is tried again
    left = [name for name, out in outs.items() if not is_finished(out)]
    if left and order.plans == order.ctx.lab.plans(Split.VERIFY).resolve():
        now = utc_now()
        note(order.ctx.lab, "verify_read", now=now, iteration=NO_ITERATION, plans=len(left))
    breaker, faults = CircuitBreaker(), []

    def make(name: str) -> str | None:
        fault = breaker.refusal(order.models[0])
        if fault is None:
            key = RunKey(order.split, side, order.models[0], name, 0)
            try:
                bench.run(key, _planned(key, outs[name]))
            except LabError as error:
                fault = f"  {error}"
            breaker.record(order.models[0], failed=fault is not None)
        return fault

    with (
        Progress(f"{order.step} on {count(len(order.names), 'plan')}", len(left)) as bar,
        _pool(order) as p,
    ):
        for future in as_completed([p.submit(partial(make, name)) for name in left]):
            fault = future.result()
            bar.record_end(ok=fault is None)
            faults += [fault] if fault else []
    found = {out: read_if_whole(out / MARKER, RunRecord) for out in outs.values()}
    records = {out: record for out, record in found.items() if record is not None}
    if records and all(unanswered(record) for record in records.values()):
        faults.append(_silence(order, list(records.values())))
        for out in records:
            unmark(out, "unanswered")
        records = {}
    return RunnerResult(tuple(records.values()), tuple(sorted(set(faults))), len(outs) - len(left))


def _silence(order: RunnerOrder, records: Sequence[RunRecord]) -> str:
    """What is said where no plan had one answer: that is none of the prompt's doing."""
    first = records[0]
    why = first.error.summary if first.error else first.calls[-1].error
    models = ", ".join(order.models)
    return f"  {models}: no call was answered in {count(len(records), 'plan')}; {first.plan}: {why}"


def render_result(made: RunnerResult, primary: str) -> str:
    """What a person reads at the end."""
    ok = [r for r in made.records if r.status is Status.OK]
    bad = [r for r in made.records if r.error]
    lines = [f"{count(len(made.records), 'plan')} finished: {len(ok)} ok, {len(bad)} with an error"]
    if made.taken_over:
        lines[0] += f"; {made.taken_over} finished before"
    lines += [f"  {r.plan}: {r.error.summary}" for r in bad if r.error]
    if any(r.scores for r in ok):
        lines.append(f"mean {primary}: {fmean(r.primary for r in made.records):.3f}")
    if ok:
        lines.append("answered by: " + ", ".join(sorted({r.answered_by for r in ok})))
    return "\n".join(lines)


def _planned(key: RunKey, out: Path) -> PlannedRun:
    """Its path is absolute; without a content key no other batch takes the run over."""
    return PlannedRun(
        side=key.side,
        model=key.model,
        plan=key.plan,
        replicate=key.replicate,
        path=str(out),
        content_key="",
    )


@contextmanager
def _pool(order: RunnerOrder) -> Iterator[CallPool[str | None]]:
    """As many places as workers. Ctrl-C drops what waits."""
    pool = CallPool[str | None](order.workers, "run")
    try:
        yield pool
    finally:
        pool.close()
