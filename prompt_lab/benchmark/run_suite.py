"""Benchmark: run a suite some times on each model, and write what that shows."""

import time
from collections.abc import Iterator, Sequence

from prompt_lab.benchmark.folders import (
    benchmarks_folder,
    read_all_results,
    write_results,
)
from prompt_lab.benchmark.harness_config import HarnessConfig, read_harness_config
from prompt_lab.benchmark.open_benchmark import (
    BenchmarkRequest,
    OpenBenchmark,
    digest_suite,
    find_plans_without_gold,
    requested_suite,
)
from prompt_lab.benchmark.records import (
    BenchmarkResults,
    ModelPhaseResult,
    WarmUpResult,
)
from prompt_lab.benchmark.supervisor import SuiteRun, summarize_model
from prompt_lab.benchmark.validity import check_validity
from prompt_lab.benchmark.warm_up import build_warm_up_request, is_due, warm_up_model
from prompt_lab.clock import utc_now
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.looks import missing_runs
from prompt_lab.experiments.needs import RunsNeeded
from prompt_lab.names import Side, Split
from prompt_lab.records import RunRecord
from prompt_lab.report.terminal import say
from prompt_lab.store.batch import Batch
from prompt_lab.store.files import append_row, read_if_whole, read_rows
from prompt_lab.store.layout import MARKER, NO_ITERATION

WARM_UPS = "warm_up.jsonl"
_last_used: dict[str, float] = {}
"""Alias -> when this process last asked it, by the monotonic clock."""


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
    asked = request.enable_warmup or model in request.warm_models
    return asked or warm_up.enabled or model in warm_up.models


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
