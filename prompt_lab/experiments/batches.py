"""Plan a batch once and claim its run folders; from then on it is a file."""

import inspect
import os
import platform
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.config.lab import GatewayConfig, StepConfig, TargetConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.evaluate.batches import BatchRequest, plan_runs
from prompt_lab.experiments.crash import EVENT, TAINT
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import sources_at
from prompt_lab.names import Side, Split
from prompt_lab.ports import StepAdapter, Workspace
from prompt_lab.store.batch import Batch, PlannedRun, batch_path, read_batch, write_batch
from prompt_lab.store.counters import claim_run_folder
from prompt_lab.store.journal import events
from prompt_lab.store.plans import digest, read_plan
from prompt_lab.store.runs import read_finished, reusable, write_meta

_OF_PROCESS = ("file", "limits")
_STANDARD = ("builtins", "abc", "typing")
_NO_REUSE = ("baseline_drifted", EVENT, TAINT)


@dataclass(frozen=True)
class BatchOrder:
    """A batch that a phase asks for. `plans` are names in `split`."""

    name: str
    split: Split
    commits: Mapping[Side, str]
    models: Sequence[str]
    plans: Sequence[str]
    replicates: int


def batch_for(experiment: Experiment, order: BatchOrder, *, reuse: bool = True) -> Batch:
    """The batch that an order means: as it was written, or planned and written now."""
    path = batch_path(experiment.context.lab, experiment.number, experiment.step, order.name)
    if path.exists():
        return read_batch(path)
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    _tidy(experiment, workspace, set(order.commits.values()))
    request = request_for(experiment, order)
    known = finished_runs(experiment) if reuse else (lambda _key, _model: None)
    runs = _claimed(experiment, order, plan_runs(request, known))
    batch = Batch(
        name=order.name,
        split=order.split,
        commits=dict(order.commits),
        runs=tuple(runs),
        plans=dict(request.plans),
    )
    write_batch(path, batch)
    return read_batch(path)


def _tidy(experiment: Experiment, workspace: Workspace, commits: Collection[str]) -> None:
    """Undo what the runs of earlier iterations left; what anyone else did is for the evidence."""
    left = {
        commit
        for event in events(experiment.context.lab, TAINT)
        if event.get("iteration") != experiment.number and isinstance(event.get("commits"), list)
        for commit in map(str, event["commits"])
    }
    for commit in sorted(commits):
        if commit in left:
            workspace.put_back(commit)
        else:
            workspace.tidy(commit)


def request_for(experiment: Experiment, order: BatchOrder) -> BatchRequest:
    """Gather what planning needs: models, digests of plans, blobs of the sources on each side."""
    ctx = experiment.context
    step, adapter = ctx.step(experiment.step), ctx.adapter(experiment.step)
    target = ctx.target(step.target)
    folder = ctx.lab.plans(order.split)
    return BatchRequest(
        step=experiment.step,
        split=order.split,
        models=[ctx.models[alias] for alias in order.models],
        plans={
            name: digest(read_plan(folder / name, adapter.inputs, adapter.outputs))
            for name in order.plans
        },
        sources={
            side: sources_at(experiment, commit) | _environment(experiment, adapter, side, commit)
            for side, commit in order.commits.items()
        },
        replicates=order.replicates,
        adapter_digest=adapter_digest(
            adapter, settings_text(adapter, step, target, ctx.defaults.gateway)
        ),
        drift_sample=ctx.defaults.drift_sample,
    )


def finished_runs(experiment: Experiment) -> Callable[[str, ModelConfig], str | None]:
    """Where a finished run of a content key lies; none from before a drift, a crash or a taint."""
    lab = experiment.context.lab
    known = reusable(lab)
    ends = sorted((str(e["timestamp"]), str(e.get("model"))) for e in events(lab, *_NO_REUSE))
    stale = {model: timestamp for timestamp, model in ends}

    def find(key: str, model: ModelConfig) -> str | None:
        path = known.get(key)
        record = read_finished(lab, path, key) if path else None
        if record is None or record.ended < stale.get(model.alias, ""):
            return None
        return path

    return find


def adapter_digest(adapter: StepAdapter, config: str) -> str:
    """sha256 over the code that runs and scores a step, and its config."""
    kinds = [kind for kind in type(adapter).__mro__ if kind.__module__ not in _STANDARD]
    files = {inspect.getsourcefile(kind) for kind in kinds}
    sources = [Path(f).read_bytes() for f in sorted(f for f in files if f)]
    return sha256(b"\0".join([config.encode(), *sources])).hexdigest()


def settings_text(
    adapter: StepAdapter, step: StepConfig, target: TargetConfig, gateway: GatewayConfig
) -> str:
    """What the configs say that decides a run; keys of processes only where there is one."""
    usual = {n for n in _OF_PROCESS if getattr(step, n) == StepConfig.model_fields[n].default}
    text = step.model_dump_json(exclude={"judge", *usual})
    return text + adapter.digest_text(target, gateway)


def _environment(
    experiment: Experiment, adapter: StepAdapter, side: Side, commit: str
) -> dict[str, str]:
    if not adapter.in_own_process:
        return {}  # no worktree is needed to know that
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    return adapter.environment(workspace.worktree(commit), side)


def _claimed(
    experiment: Experiment, order: BatchOrder, runs: Sequence[PlannedRun]
) -> list[PlannedRun]:
    """Give every run that is to be made its place: one run folder a model, side and replicate."""
    folders: dict[tuple[Side, str, int, bool], Path] = {}
    placed = []
    for run in runs:
        if run.reused:
            placed.append(run)
            continue
        group = (run.side, run.model, run.replicate, run.probe)
        if group not in folders:
            folders[group] = _claim(experiment, order, run)
        path = experiment.context.lab.relative(folders[group] / "outputs" / run.plan)
        placed.append(run.model_copy(update={"path": path}))
    return placed


def _claim(experiment: Experiment, order: BatchOrder, run: PlannedRun) -> Path:
    lab = experiment.context.lab
    model = experiment.context.models[run.model]
    _, folder = claim_run_folder(lab, experiment.step)
    meta = {
        **head_of_meta(experiment.step, [run.model], model.workers),
        "iteration": experiment.number,
        "batch": order.name,
        "split": order.split.value,
        "side": run.side.value,
        "replicate": run.replicate,
        "probe": run.probe,
        "commit": order.commits[run.side],
        "model_config": model.model_dump(mode="json"),
        **(
            {"gateway": experiment.context.defaults.gateway.model_dump()}
            if experiment.context.runs_in_own_process(experiment.step)
            else {}
        ),
        "claimed": utc_now(),
    }
    write_meta(folder, meta)
    return folder


def head_of_meta(step: str, models: Sequence[str], workers: int) -> dict[str, object]:
    """What every meta.json of ours begins with; the first model is primary."""
    return {
        "step": step,
        "model": {"primary": models[0], "fallbacks": list(models[1:])},
        "workers": workers,
        "system": {
            "os": platform.system(),
            "os_version": platform.release(),
            "arch": platform.machine(),
            "cpu_count": os.cpu_count(),
            "python": platform.python_version(),
        },
        "version": 1,
        "versions": {"prompt-lab": version("prompt-lab"), "luigi": version("luigi")},
    }
