"""Plan a batch once, claim its run folders, and write it to a file."""

import inspect
import os
import platform
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import psutil

from prompt_lab.clock import utc_now
from prompt_lab.config.lab import StepConfig
from prompt_lab.config.model_keys import describe_model
from prompt_lab.config.models import ModelConfig
from prompt_lab.evaluate.batches import BatchRequest, NoEarlierRuns, plan_runs
from prompt_lab.experiments.crash import EVENT, TAINT
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.sources import check_plan, check_sources, sources_of
from prompt_lab.experiments.trace import answer_inputs
from prompt_lab.names import Side, Split
from prompt_lab.ports import StepAdapter, Workspace
from prompt_lab.records import RunRecord
from prompt_lab.store.batch import Batch, PlannedRun, batch_path, read_batch, write_batch
from prompt_lab.store.counters import claim_run_folder
from prompt_lab.store.journal import events
from prompt_lab.store.plan_files import digest_files, hash_plan
from prompt_lab.store.reusable import read_answered, read_finished, reusable_runs
from prompt_lab.store.run_journal import journal_name, restore_runs
from prompt_lab.store.runs import write_meta

_LEFT_OUT_AT_DEFAULT = (
    *("file", "limits", "placeholder_style", "inputs", "outputs", "score"),
    *("answer", "compare", "compare_fields"),
)
"""Settings of a step that were added later. Their defaults do not change the keys of old runs."""
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
    replicates_of: Mapping[str, int] = field(default_factory=dict)
    """model -> its own number of replicates, where that is smaller."""
    reuses_sampled: bool = True
    """Whether runs of models that sample are taken over; under the rules before 3 not on verify."""
    difficulty: Mapping[str, float] = field(default_factory=dict)
    """plan -> mean score of earlier baseline runs, kept with the batch."""


def batch_for(experiment: Experiment, order: BatchOrder, *, reuse: bool = True) -> Batch:
    """The batch of a request: read from its file, or planned and written now."""
    path = batch_path(experiment.context.lab, experiment.number, experiment.step, order.name)
    if path.exists():
        name = journal_name(experiment.number, experiment.step, order.name)
        restore_runs(experiment.context.lab, name)
        return read_batch(path)
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    for commit in set(order.commits.values()):
        check_sources(experiment.context, experiment.step, commit)
    _tidy(experiment, workspace, set(order.commits.values()))
    request = request_for(experiment, order)
    earlier = EarlierRuns(experiment, order.split) if reuse else NoEarlierRuns()
    runs = _claimed(experiment, order, plan_runs(request, earlier))
    batch = Batch(
        name=order.name,
        split=order.split,
        commits=dict(order.commits),
        runs=tuple(runs),
        plans=dict(request.plans),
        difficulty=dict(order.difficulty),
    )
    write_batch(path, batch)
    return read_batch(path)


def _tidy(experiment: Experiment, workspace: Workspace, commits: Collection[str]) -> None:
    """Remove what earlier runs left in the worktrees; other changes are kept as evidence."""
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
        workspace.check_worktree(commit, sources_of(experiment.context, experiment.step, commit))


def request_for(experiment: Experiment, order: BatchOrder) -> BatchRequest:
    """Gather what planning needs: models, digests of plans, blobs of the sources on each side."""
    ctx = experiment.context
    step, adapter = ctx.step(experiment.step), ctx.adapter(experiment.step)
    target = ctx.target(step.target)
    folder = ctx.lab.plans(order.split)
    for name in order.plans:
        check_plan(adapter, folder / name)
    files = {name: hash_plan(folder / name) for name in order.plans}
    settings, gateway = settings_text(step), ctx.defaults.gateway
    workspace = ctx.workspace(step.target)
    return BatchRequest(
        step=experiment.step,
        models=[ctx.models[alias] for alias in order.models],
        plans={name: digest_files(found) for name, found in files.items()},
        answer_inputs={name: answer_inputs(adapter, found) for name, found in files.items()},
        sources={
            side: sources_of(ctx, experiment.step, commit)
            | adapter.environment(partial(workspace.worktree, commit), side)
            for side, commit in order.commits.items()
        },
        replicates=order.replicates,
        adapter_digest=adapter_digest(adapter, settings + adapter.digest_text(target, gateway)),
        answer_digest=adapter_digest(
            adapter, settings + adapter.digest_text(target, gateway, answer=True)
        ),
        drift_sample=ctx.defaults.drift_sample,
        reuses_sampled=order.reuses_sampled,
        replicates_of=order.replicates_of,
    )


class EarlierRuns:
    """evaluate.batches.EarlierRuns of a lab, without those before a drift or crash."""

    def __init__(self, experiment: Experiment, split: Split) -> None:
        self._lab, self._plans = experiment.context.lab, experiment.context.lab.plans(split)
        self._known = reusable_runs(self._lab)
        ends = [(str(e["timestamp"]), str(e.get("model"))) for e in events(self._lab, *_NO_REUSE)]
        self._stale = {model: timestamp for timestamp, model in sorted(ends)}
        self._files: dict[str, dict[str, str]] = {}

    def find_run(self, content_key: str, model: ModelConfig) -> str | None:
        """The newest run with the key, if it is still valid."""
        path = self._known.scored.get(content_key)
        record = read_finished(self._lab, path, content_key) if path else None
        return path if self._holds(record, model) else None

    def find_answer(self, answer_key: str, model: ModelConfig, plan: str) -> str | None:
        """The newest run with the key, if no file that it has read has changed since."""
        for path in self._known.answered.get(answer_key, ()):
            if plan not in self._files:
                self._files[plan] = hash_plan(self._plans / plan)
            record = read_answered(self._lab, path, answer_key, self._files[plan])
            if self._holds(record, model):
                return path
        return None

    def _holds(self, record: RunRecord | None, model: ModelConfig) -> bool:
        return record is not None and record.ended >= self._stale.get(model.alias, "")


def adapter_digest(adapter: StepAdapter, config: str) -> str:
    """sha256 over the code that runs and scores a step, and its config."""
    kinds = [kind for kind in type(adapter).__mro__ if kind.__module__ not in _STANDARD]
    files = {inspect.getsourcefile(kind) for kind in kinds}
    sources = [Path(f).read_bytes() for f in sorted(f for f in files if f)]
    return sha256(b"\0".join([config.encode(), *sources])).hexdigest()


def settings_text(step: StepConfig) -> str:
    """The settings of the step's config that affect a run; the checks are the adapter's to add."""
    usual = {
        n for n in _LEFT_OUT_AT_DEFAULT if getattr(step, n) == StepConfig.model_fields[n].default
    }
    return step.model_dump_json(exclude={"judge", "checks", *usual})


def _claimed(
    experiment: Experiment, order: BatchOrder, runs: Sequence[PlannedRun]
) -> list[PlannedRun]:
    """Assign run folders to the planned runs: one per model, side and replicate."""
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
        "model_config": describe_model(model),
        **(
            {"gateway": experiment.context.defaults.gateway.model_dump()}
            if experiment.context.runs_in_own_process(experiment.step)
            else {}
        ),
        "claimed": utc_now(),
    }
    write_meta(folder, meta)
    return folder


@cache
def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, or '' where the system does not tell it."""
    with suppress(OSError):
        for line in cpuinfo.read_text("utf-8", "replace").split("\n"):
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor()


def head_of_meta(step: str, models: Sequence[str], workers: int) -> dict[str, object]:
    """The fields that every meta.json of ours begins with; the first model is primary."""
    return {
        "step": step,
        "model": {"primary": models[0], "fallbacks": list(models[1:])},
        "workers": workers,
        "system": {
            "os": platform.system(),
            "os_version": platform.release(),
            "arch": platform.machine(),
            "cpu_count": os.cpu_count(),
            "cpu_model": cpu_model(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
            "python": platform.python_version(),
        },
        "version": 1,
        "versions": {"prompt-lab": version("prompt-lab"), "luigi": version("luigi")},
    }
