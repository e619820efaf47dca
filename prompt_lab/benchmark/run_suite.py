"""Benchmark: run a suite some times on each model, and write what that shows."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from prompt_lab.benchmark.folders import (
    benchmarks_folder,
    read_all_results,
    write_results,
)
from prompt_lab.benchmark.harness_config import HarnessConfig, read_harness_config
from prompt_lab.benchmark.lab_router import LabRouter
from prompt_lab.benchmark.open_benchmark import (
    BenchmarkRequest,
    OpenBenchmark,
    digest_suite,
    find_plans_without_gold,
    read_suite,
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
from prompt_lab.errors import ConfigError
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
from prompt_lab.store.layout import MARKER, NO_ITERATION, Lab
from prompt_lab.store.runs import claimed_batch

WARM_UPS = "warm_up.jsonl"


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
            begun.batch,
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
            for model in sorted({key.model for key in keys}):
                if not is_warm_up_on(ctx, config, request, model, suite.phase):
                    continue
                idle = idle_seconds(read_suite_runs(ctx.lab, batch, model), now=utc_now())
                if is_due(idle, model, config.warm_up):
                    warmed = warm_up_for_suite(ctx, suite, config, model)
                    append_row(folder / WARM_UPS, warmed.model_dump(mode="json"))
            yield RunsNeeded(need.batch, keys)
    warm_ups = [WarmUpResult.model_validate(row) for row in read_rows(folder / WARM_UPS)]
    results = _results_of(ctx, request, number, begun, batch=batch, warmed=warm_ups)
    write_results(ctx.lab, results)


def is_warm_up_on(
    ctx: LabContext, config: HarnessConfig, request: BenchmarkRequest, model: str, phase: str
) -> bool:
    """Whether a model is to be warmed up: asked for, switched on, shown to help, or by a rule."""
    warm_up = config.warm_up
    asked = request.enable_warmup or model in request.warm_models
    if asked or warm_up.enabled or model in warm_up.models:
        return True
    rule = LabRouter(ctx).table().find(model, phase)
    return rule is not None and rule.enable_warmup


def warm_up_for_suite(
    ctx: LabContext, suite: SuiteConfig, config: HarnessConfig, model: str
) -> WarmUpResult:
    """One call with the suite's own prompt prefix, at the commit that the target is at now."""
    workspace = ctx.workspace(ctx.step(suite.step).target)
    commit = workspace.resolve(ctx.target(ctx.step(suite.step).target).main)
    plan = ctx.lab.plans(Split.TRAIN) / suite.plans[0]
    adapter = ctx.adapter(suite.step)
    request = build_warm_up_request(adapter, workspace.worktree(commit), plan, config.warm_up)
    result = warm_up_model(model, ctx.llm(model), request, config.warm_up.seconds)
    say(result.message)
    return result


def read_suite_runs(lab: Lab, batch: Batch, model: str) -> list[SuiteRun]:
    """The planned runs of a model with the record and the claim that lie there, if any."""
    planned = [(run, lab.root / run.path) for run in batch.runs if run.model == model]
    folders = {out.parent.parent for _, out in planned}  # one for many runs
    batches = {folder: claimed_batch(folder) for folder in folders}
    return [
        SuiteRun(run, read_if_whole(out / MARKER, RunRecord), batches[out.parent.parent])
        for run, out in planned
    ]


def idle_seconds(runs: Sequence[SuiteRun], *, now: str) -> float | None:
    """Seconds since the last of these runs ended; None where none has.

    By the records, so that it holds for a benchmark that goes on in another process.
    """
    ends = [run.record.ended for run in runs if run.record is not None]
    if not ends:
        return None
    return (datetime.fromisoformat(now) - datetime.fromisoformat(max(ends))).total_seconds()


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
        part, parts = suite.scorer or ctx.step(suite.step).primary, set[str]()
        for model in begun.models:
            runs = read_suite_runs(ctx.lab, batch, model)
            parts |= {name for run in runs if run.record for name in run.record.scores}
            row = summarize_model(
                runs,
                ours,
                phase=suite.phase,
                part=part,
                pass_score=suite.pass_score,
                batch=begun.batch,
            )
            asked = begun.replaced.get(model, "")
            rows.append(row.model_copy(update={"asked_model": asked}))
        if parts and part not in parts:
            place = ctx.files.place("suites", suite.name)
            raise ConfigError(
                [
                    f"{place}: scorer: no score of step {suite.step!r} has a part {part!r}, so"
                    f" nothing could pass; name one of {', '.join(sorted(parts))}"
                ]
            )
    checked = check_validity(
        rows,
        chance=suite.chance,
        missing_gold=find_plans_without_gold(ctx, suite),
        model_ids={model: ctx.models[model].id for model in begun.models},
        history=history,
        suite_sha256=sha,
        begun_sha256=begun.suite_sha256,
        whole_sha256=digest_suite(ctx, read_suite(ctx, suite.name)) if request.plans else "",
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
