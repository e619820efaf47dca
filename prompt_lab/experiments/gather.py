"""Read from the lab the inputs of the pure packages: rows, texts, versions, facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from prompt_lab.evaluate.drift_rows import drifted_models
from prompt_lab.evaluate.evidence import SideFacts
from prompt_lab.evaluate.inputs import changed_inputs, files_outside
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.ref_watch import find_moved_refs
from prompt_lab.experiments.sources import sources_of
from prompt_lab.names import Side, Split
from prompt_lab.records import LIVE, PlanText, PromptVersion, RunRow
from prompt_lab.store.batch import Batch, PlannedRun, batch_path, read_batch
from prompt_lab.store.duplicates import duplicate_cost
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import IterationMeta, RunsSummary, made_again
from prompt_lab.store.journal import asked_for
from prompt_lab.store.plans import changed_plans, read_plan
from prompt_lab.store.runs import is_finished, read_row


def batch_of(experiment: Experiment, name: str) -> Batch | None:
    """A batch of the iteration, or None where it was never planned."""
    path = batch_path(experiment.context.lab, experiment.number, experiment.step, name)
    ran = name in list(Split) and (experiment.folder / summary_file(Split(name))).exists()
    if path.exists() or (ran and not summary_of(experiment, Split(name)).skipped):
        return read_batch(path)
    return None


def summary_file(split: Split) -> str:
    """The name of the file that `Runs` writes."""
    return f"runs_{split.value}.json"


def summary_of(experiment: Experiment, split: Split) -> RunsSummary:
    """What `Runs` wrote. Raises StoreError if it is damaged or missing."""
    path = experiment.folder / summary_file(split)
    return read_record(path, RunsSummary, fix=made_again(path))


def rows_of(experiment: Experiment, batch: Batch | None, *, probes: bool = False) -> list[RunRow]:
    """The finished runs of a batch with their outputs; probes are left out unless asked for."""
    if batch is None:
        return []
    lab = experiment.context.lab
    outputs = experiment.context.adapter(experiment.step).outputs
    return [
        as_planned(read_row(lab, run.path, outputs, reused=run.reused), run)
        for run in batch.runs
        if run.probe <= probes and (run.reused or is_finished(lab.root / run.path))
    ]


def rows_now(experiment: Experiment, batch: Batch | None) -> list[RunRow]:
    """The finished runs of a batch, a reused one replaced where it was made again."""
    return replace_probed_rows(rows_of(experiment, batch, probes=True))


def compared_rows(experiment: Experiment, split: Split) -> list[RunRow]:
    """The rows that a verdict is about: those of the plans that its trial has asked for."""
    batch = batch_of(experiment, split.value)
    if batch is None or not (experiment.folder / summary_file(split)).exists():
        return []
    plans = set(summary_of(experiment, split).plans)
    return [row for row in rows_now(experiment, batch) if not plans or row.record.plan in plans]


def replace_probed_rows(rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows without the probes; a reused run that a probe made again gives way to it."""
    records = [(row, row.record) for row in rows]
    again = {(r.model, r.plan, -1 - r.replicate): row for row, r in records if r.replicate < 0}
    found = []
    for row, r in records:
        probe = again.get((r.model, r.plan, r.replicate)) if r.side is Side.BASELINE else None
        if r.replicate >= 0:
            found.append(row if probe is None else _as_replicate(probe, r.replicate))
    return found


def _as_replicate(row: RunRow, replicate: int) -> RunRow:
    record = row.record.model_copy(update={"replicate": replicate})
    return row.model_copy(update={"record": record})


def as_planned(row: RunRow, run: PlannedRun) -> RunRow:
    """The run as evidence of the side that reuses it, even if it was made for the other side.

    A run that was scored again counts as reused, since its answer is.
    """
    planned = {"side": run.side, "replicate": -1 - run.replicate if run.probe else run.replicate}
    record = row.record.model_copy(update=planned)
    return row.model_copy(update={"record": record, "reused": not run.takes_calls})


def texts(experiment: Experiment, plans: Iterable[str], *, split: Split) -> dict[str, PlanText]:
    """The plans' inputs and gold by name."""
    adapter, folder = (
        experiment.context.adapter(experiment.step),
        experiment.context.lab.plans(split),
    )
    return {n: read_plan(folder / n, adapter.inputs, adapter.outputs) for n in plans}


def version_at(experiment: Experiment, commit: str) -> PromptVersion:
    """Prompt and schema of the step at a commit. Raises TargetError where the prompt is missing."""
    return version_of(experiment.context, experiment.step, commit)


def version_of(ctx: LabContext, step: str, commit: str) -> PromptVersion:
    """The same of any step."""
    config = ctx.step(step)
    prompts = ctx.prompt_source(config.target)
    schema = prompts.read(config.schema_path, commit) if config.schema_path else ""
    source, adapter = prompts.read(config.prompt, commit), ctx.adapter(step)
    inner = adapter.prompt_in(source)
    return PromptVersion(
        commit=commit,
        path=config.prompt,
        text=source if inner is None else inner,
        schema_path=config.schema_path,
        schema_text=schema,
    )


def is_writable(experiment: Experiment, commit: str) -> bool:
    """Whether the prompt is a file of its own: no strategy can write one that is in a module."""
    config, adapter = (
        experiment.context.step(experiment.step),
        experiment.context.adapter(experiment.step),
    )
    source = experiment.context.prompt_source(config.target).read(config.prompt, commit)
    return adapter.prompt_in(source) == source


def side_facts(
    experiment: Experiment, commit: str, rows: Sequence[RunRow] = (), *, stored: bool = False
) -> SideFacts:
    """What the runs of a side must show to be evidence for this commit.

    Known of it are the files that the step may load there, and all that any of `rows` has loaded:
    as they are checked out, or `stored`, by which the verdicts of older iterations were made.
    """
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    adapter = experiment.context.adapter(experiment.step)
    paths = {path for row in rows for path in row.record.sent.files}
    return SideFacts(
        commit=commit,
        blobs=sources_of(experiment.context, experiment.step, commit, stored=stored)
        | workspace.blobs(commit, paths, stored=stored),
        prompt_sha256=adapter.prompt_sha256(workspace, commit, stored=stored),
    )


def summarise_batch(experiment: Experiment, batch: Batch, rows: Sequence[RunRow]) -> RunsSummary:
    """Summarise the runs, check both worktrees again, and test for drift.

    `rows` are the compared runs. Drift matters only if one of them is a reused run of a model that
    samples.
    """
    every = rows_of(experiment, batch, probes=True)
    made = [row for row in every if not row.reused]
    own = {run.path for run in batch.runs if run.rescored_from}
    again = [row for row in rows if row.path in own]
    probed = {run.model for run in batch.runs if run.probe}
    kept = {row.record.model for row in rows if row.reused and row.record.side is Side.BASELINE}
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    trees = {side: workspace.worktree(commit) for side, commit in batch.commits.items()}
    twice, twice_usd = duplicate_cost(experiment.context.lab, batch)
    judge = asked_for(experiment.context.lab, experiment.number, batch.name)
    return RunsSummary(
        split=batch.split,
        calls_made=sum(row.record.usage.calls for row in made) + judge.calls + twice,
        duplicate_calls=twice,
        calls_replayed=sum(call.origin != LIVE for row in made for call in row.record.calls),
        runs_made=len(made),
        runs_reused=sum(row.reused for row in rows) - len(again),
        runs_rescored=len(again),
        errors=sum(row.record.error is not None for row in rows),
        seconds=_span(made),
        cost_usd=sum(row.record.usage.cost_usd for row in made) + judge.cost_usd + twice_usd,
        judge_calls=judge.calls,
        judge_cost_usd=judge.cost_usd,
        observed={side: workspace.observe(tree) for side, tree in trees.items()},
        dirt={side: dirt for side, tree in trees.items() if (dirt := workspace.dirt(tree))},
        plans_changed=changed_inputs(
            [row for row in every if not row.reused or row.path in own],
            find_changed_plans(experiment, batch),
        ),
        refs_moved=find_moved_refs(experiment),
        read_outside=files_outside(rows),
        drifted=drifted_models(every, probed & kept),
    )


def find_changed_plans(experiment: Experiment, batch: Batch) -> tuple[str, ...]:
    """Plans that are no longer what they were when the batch was planned."""
    folder = experiment.context.lab.plans(batch.split)
    return changed_plans(folder, batch.plans, experiment.context.adapter(experiment.step))


def plans_of(meta: IterationMeta, split: Split, rows: Sequence[RunRow]) -> list[str]:
    """The plans of a split that any run is about, in the iteration's order."""
    seen = {row.record.plan for row in rows}
    return [name for name in meta.plans[split] if name in seen]


def _span(rows: Sequence[RunRow]) -> float:
    """Seconds from the first start to the last end; the work may have gone on over two days."""
    if not rows:
        return 0.0
    started = min(datetime.fromisoformat(r.record.started) for r in rows)
    ended = max(datetime.fromisoformat(r.record.ended) for r in rows)
    return (ended - started).total_seconds()
