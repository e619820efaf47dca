"""Benchmark: run a suite some times on each model, and write what that shows."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from prompt_lab.benchmark.folders import (
    OPEN,
    RESULTS,
    benchmarks_folder,
    claim_benchmark,
    read_all_results,
    write_results,
)
from prompt_lab.benchmark.harness_config import HarnessConfig, read_harness_config
from prompt_lab.benchmark.records import (
    BenchmarkResults,
    BlockedModel,
    ModelPhaseResult,
    Purpose,
    WarmUpResult,
)
from prompt_lab.benchmark.supervisor import SuiteRun, summarize_model
from prompt_lab.benchmark.validity import check_validity
from prompt_lab.benchmark.warm_up import build_warm_up_request, is_due, warm_up_model
from prompt_lab.clock import utc_now
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.errors import ConfigError, UnknownName
from prompt_lab.experiments.batches import BatchOrder, adapter_digest, batch_for, settings_text
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.looks import missing_runs
from prompt_lab.experiments.needs import RunsNeeded
from prompt_lab.names import Side, Split
from prompt_lab.records import VERSION, Record, RunRecord
from prompt_lab.report.terminal import say
from prompt_lab.store.batch import Batch
from prompt_lab.store.counters import numbered
from prompt_lab.store.files import append_row, read_if_whole, read_rows, write_record
from prompt_lab.store.layout import MARKER, NO_ITERATION
from prompt_lab.store.plan_files import digest_files, hash_plan
from prompt_lab.store.plans import has_gold

WARM_UPS = "warm_up.jsonl"
_last_used: dict[str, float] = {}
"""Alias -> when this process last asked it, by the monotonic clock."""


@dataclass(frozen=True)
class BenchmarkRequest:
    """What a person asks for. '' and 0 mean 'as the suite says'."""

    suite: str
    models: tuple[str, ...] = ()
    repeats: int = 0
    enable_warmup: bool = False
    force_model: bool = False
    phase: str = ""
    purpose: Purpose = "benchmark"
    label: str = ""
    plans: tuple[str, ...] = ()
    """Distinguishes benchmarks of equal options: those of the cycles of a loop."""

    @property
    def digest(self) -> str:
        """Names the request, so that the same command goes on with what it began."""
        return sha256(repr(self).encode()).hexdigest()[:12]


class OpenBenchmark(Record):
    """open.json: what a benchmark was begun with, before its first call."""

    version: int = VERSION
    request: str
    id: str
    started: str
    commit: str
    models: tuple[str, ...]
    replaced: dict[str, str] = {}
    """model that runs -> model that was asked for."""
    blocked: tuple[BlockedModel, ...] = ()
    repeats: int


def read_suite(ctx: LabContext, name: str) -> SuiteConfig:
    """configs/suites/<name>.yaml. Raises UnknownName or ConfigError."""
    return ctx.files.entry("suites", SuiteConfig, "suite", name)


def requested_suite(ctx: LabContext, request: BenchmarkRequest) -> SuiteConfig:
    """The suite, or the part of its plans that the request names."""
    suite = read_suite(ctx, request.suite)
    return suite.model_copy(update={"plans": request.plans}) if request.plans else suite


def find_plans_without_gold(ctx: LabContext, suite: SuiteConfig) -> list[str]:
    """Plans of the suite that hold no right answer. Raises UnknownName for one that is not there.

    A step in a process of its own scores by its own rules and may need none.
    """
    adapter, folder = ctx.adapter(suite.step), ctx.lab.plans(Split.TRAIN)
    known = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    for plan in suite.plans:
        if plan not in known:
            raise UnknownName("plan", plan, known, str(folder))
    if adapter.in_own_process:
        return []
    return [plan for plan in suite.plans if not has_gold(folder / plan, adapter.outputs)]


def digest_suite(ctx: LabContext, suite: SuiteConfig) -> str:
    """sha256 of all that decides a score besides the model: plans, gold, step, scorer, rule."""
    folder, step = ctx.lab.plans(Split.TRAIN), ctx.step(suite.step)
    plans = {name: digest_files(hash_plan(folder / name)) for name in sorted(suite.plans)}
    adapter = adapter_digest(ctx.adapter(suite.step), settings_text(step))
    rule = (suite.phase, suite.step, suite.scorer, suite.pass_score)
    return sha256(repr((rule, plans, adapter)).encode()).hexdigest()


def find_open(ctx: LabContext, request: BenchmarkRequest) -> tuple[int, Path] | None:
    """The unfinished benchmark that this request began, or None."""
    root = benchmarks_folder(ctx.lab)
    for number, name in reversed(numbered(root)):
        folder = root / f"{number}_{name}"
        begun = read_if_whole(folder / OPEN, OpenBenchmark)
        if begun and begun.request == request.digest and not (folder / RESULTS).exists():
            return number, folder
    return None


def find_finished(ctx: LabContext, request: BenchmarkRequest) -> int | None:
    """The finished benchmark of a labelled request, or None. Without a label each is a new one."""
    root = benchmarks_folder(ctx.lab)
    for number, name in reversed(numbered(root) if request.label else []):
        folder = root / f"{number}_{name}"
        begun = read_if_whole(folder / OPEN, OpenBenchmark)
        if begun and begun.request == request.digest and (folder / RESULTS).exists():
            return number
    return None


def begin_benchmark(
    ctx: LabContext,
    request: BenchmarkRequest,
    models: Sequence[str],
    replaced: Mapping[str, str],
    blocked: Sequence[BlockedModel],
) -> tuple[int, OpenBenchmark]:
    """Claim a number and write down what is asked, or find what this request has begun."""
    suite = requested_suite(ctx, request)
    found = find_open(ctx, request)
    if found is not None:
        begun = read_if_whole(found[1] / OPEN, OpenBenchmark)
        assert begun is not None
        return found[0], begun
    target = ctx.target(ctx.step(suite.step).target)
    workspace = ctx.workspace(target.name)
    workspace.check()
    repeats = request.repeats or suite.repeats
    calls = repeats * len(models) * len(suite.plans)
    if calls > suite.limits.calls:
        raise ConfigError(
            [
                f"suite {suite.name}: {calls} runs are more than limits.calls"
                f" {suite.limits.calls}: ask fewer models or repeats, or raise it"
            ]
        )
    number, folder = claim_benchmark(ctx.lab, suite.name)
    begun = OpenBenchmark(
        request=request.digest,
        id=f"{number}-{secrets.token_hex(4)}",
        started=utc_now(),
        commit=workspace.resolve(target.main),
        models=tuple(models),
        replaced=dict(replaced),
        blocked=tuple(blocked),
        repeats=repeats,
    )
    write_record(folder / OPEN, begun)
    return number, begun


def run_benchmark(
    ctx: LabContext, request: BenchmarkRequest, number: int, begun: OpenBenchmark
) -> Iterator[RunsNeeded]:
    """Yield the runs that are missing, repeat by repeat; then write results.json.

    Started again from the top it finds what it planned, and asks for the rest alone: no run is
    made or scored twice.
    """
    suite, config = requested_suite(ctx, request), read_harness_config(ctx)
    ctx.choose_models(begun.models, suite.step)
    experiment = Experiment(ctx, suite.step, NO_ITERATION)
    batch = None
    if begun.models:
        order = BatchOrder(
            f"benchmark_{begun.id}",
            Split.TRAIN,
            {Side.BASELINE: begun.commit},
            begun.models,
            suite.plans,
            begun.repeats,
        )
        batch = batch_for(experiment, order, reuse=False)
    folder = benchmarks_folder(ctx.lab) / f"{number}_{suite.name}"
    for repeat in range(begun.repeats if batch else 0):
        assert batch is not None
        need = missing_runs(experiment, batch)
        keys = tuple(key for key in need.keys if key.replicate == repeat)
        if keys:
            models = sorted({key.model for key in keys})
            for one in _warm_up(ctx, suite, config, request, first=repeat == 0, models=models):
                append_row(folder / WARM_UPS, one.model_dump(mode="json"))
            yield RunsNeeded(need.batch, keys)
            _last_used.update(dict.fromkeys(models, time.monotonic()))
    warmed = [WarmUpResult.model_validate(row) for row in read_rows(folder / WARM_UPS)]
    results = _results_of(ctx, request, number, begun, batch=batch, warmed=warmed)
    write_results(ctx.lab, results)


def is_warm_up_on(config: HarnessConfig, request: BenchmarkRequest, model: str) -> bool:
    """Whether a model is to be warmed up: asked for, switched on, or shown to help."""
    warm_up = config.warm_up
    return request.enable_warmup or warm_up.enabled or model in warm_up.models


def _warm_up(
    ctx: LabContext,
    suite: SuiteConfig,
    config: HarnessConfig,
    request: BenchmarkRequest,
    *,
    first: bool,
    models: Sequence[str],
) -> list[WarmUpResult]:
    """Once before the first repeat, and again after an idle longer than the keep-alive."""
    found = []
    for model in models:
        used, now = _last_used.get(model), time.monotonic()
        due = first or (used is not None and is_due(used, now, config.warm_up))
        if not (due and is_warm_up_on(config, request, model)):
            continue
        workspace = ctx.workspace(ctx.step(suite.step).target)
        commit = workspace.resolve(ctx.target(ctx.step(suite.step).target).main)
        plan = ctx.lab.plans(Split.TRAIN) / suite.plans[0]
        adapter = ctx.adapter(suite.step)
        warm = build_warm_up_request(adapter, workspace.worktree(commit), plan, config.warm_up)
        result = warm_up_model(model, ctx.llm(model), warm, config.warm_up.seconds)
        say(result.message)
        found.append(result)
    return found


def _results_of(
    ctx: LabContext,
    request: BenchmarkRequest,
    number: int,
    begun: OpenBenchmark,
    *,
    batch: Batch | None,
    warmed: Sequence[WarmUpResult],
) -> BenchmarkResults:
    suite, sha = requested_suite(ctx, request), ""
    rows: list[ModelPhaseResult] = []
    history = read_all_results(ctx.lab)
    if batch is not None:
        sha = digest_suite(ctx, suite)
        ours = {run.path: run for run in batch.runs}
        part = suite.scorer or ctx.step(suite.step).primary
        for model in begun.models:
            runs = [
                SuiteRun(run, read_if_whole(ctx.lab.root / run.path / MARKER, RunRecord))
                for run in batch.runs
                if run.model == model
            ]
            row = summarize_model(
                runs, ours, phase=suite.phase, part=part, pass_score=suite.pass_score
            )
            asked = begun.replaced.get(model, "")
            rows.append(row.model_copy(update={"asked_model": asked}))
    checked = check_validity(
        rows,
        chance=suite.chance,
        missing_gold=find_plans_without_gold(ctx, suite),
        model_ids={model: ctx.models[model].id for model in begun.models},
        history=history,
        suite_sha256=sha,
    )
    return BenchmarkResults(
        number=number,
        id=begun.id,
        suite=suite.name,
        phase=suite.phase,
        suite_sha256=sha,
        step=suite.step,
        commit=begun.commit,
        repeats=begun.repeats,
        started=begun.started,
        ended=utc_now(),
        forced=request.force_model,
        purpose=request.purpose,
        models=checked,
        blocked=begun.blocked,
        warm_up=tuple(warmed),
        warm_up_enabled=request.enable_warmup,
    )


def check_phase(suite: SuiteConfig, phase: str) -> None:
    """Raises ConfigError where a command names another phase than the suite's."""
    if phase and phase != suite.phase:
        raise ConfigError([f"suite {suite.name!r} is of phase {suite.phase!r}, not {phase!r}"])
