"""One benchmark from the command to the table: route, run, judge validity, give feedback."""

from collections.abc import Generator, Iterator
from typing import NamedTuple

from prompt_lab.benchmark.folders import read_results
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.open_benchmark import (
    BenchmarkRequest,
    OpenBenchmark,
    begin_benchmark,
    check_phase,
    check_plans,
    find_finished,
    find_open,
    read_suite,
)
from prompt_lab.benchmark.records import BenchmarkResults, BlockedModel
from prompt_lab.benchmark.routing_cycle import (
    render_feedback,
    render_routing_comparisons,
    route_model,
    update_feedback,
    update_routing,
)
from prompt_lab.benchmark.run_suite import run_benchmark
from prompt_lab.benchmark.supervisor import render_supervisor_table
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.needs import RunsNeeded
from prompt_lab.names import count
from prompt_lab.report.terminal import say


class SuiteNeed(NamedTuple):
    """Runs that a suite's step has to make."""

    step: str
    runs: RunsNeeded


def prepare_benchmark(ctx: LabContext, request: BenchmarkRequest) -> tuple[int, OpenBenchmark]:
    """Route the models and begin the benchmark; or go on with the one that was not finished."""
    suite = read_suite(ctx, request.suite)
    check_phase(suite, request.phase)
    check_plans(ctx, suite)
    if find_open(ctx, request):
        return begin_benchmark(ctx, request, (), {}, ())
    names = request.models or suite.models or ctx.defaults.models
    asked = [model.alias for model in ctx.select_models(names)]
    if request.purpose != "benchmark":
        # Inside a cycle both sides run as they are: the enforcer's rules hold from the next one on.
        return begin_benchmark(ctx, request, asked, {}, ())
    runs: list[str] = []
    replaced: dict[str, str] = {}
    blocked = []
    for model in asked:
        decision = route_model(ctx, model, suite.phase, suite.step, force=request.force_model)
        if decision.decision == "blocked":
            say(f"Blocked: {model} on {suite.phase}: {decision.reason}")
            blocked.append(BlockedModel(model=model, phase=suite.phase, reason=decision.reason))
            continue
        if decision.decision in ("routed", "forced"):
            say(decision.reason)
        [alias] = [one.alias for one in ctx.select_models([decision.model])]
        if alias != model:
            replaced[alias] = model
        if alias not in runs:
            runs.append(alias)
    return begin_benchmark(ctx, request, runs, replaced, blocked)


def supervise_benchmark(
    ctx: LabContext, request: BenchmarkRequest, number: int, begun: OpenBenchmark
) -> Iterator[SuiteNeed]:
    """Yield the runs that are missing; afterwards print the table and update the routing."""
    suite = read_suite(ctx, request.suite)
    for need in run_benchmark(ctx, request, number, begun):
        yield SuiteNeed(suite.step, need)
    results = read_results(ctx.lab, number)
    say(render_benchmark(results))
    if request.purpose == "benchmark" and read_harness_config(ctx).feedback_enabled:
        feedback = update_feedback(ctx)
        say(render_feedback(feedback, update_routing(ctx, feedback)))
        if comparisons := render_routing_comparisons(ctx):
            say(comparisons)


def benchmark_results(
    ctx: LabContext, request: BenchmarkRequest
) -> Generator[SuiteNeed, None, BenchmarkResults]:
    """The results of a labelled request: as they are, or made by yielding the missing runs."""
    number = find_finished(ctx, request)
    if number is None:
        number, begun = prepare_benchmark(ctx, request)
        yield from supervise_benchmark(ctx, request, number, begun)
    return read_results(ctx.lab, number)


def render_benchmark(results: BenchmarkResults) -> str:
    """The benchmark as a person reads it."""
    head = (
        f"Benchmark {results.number}: suite {results.suite} ({results.phase}),"
        f" {count(results.repeats, 'repeat')}"
    )
    lines = [head, render_supervisor_table(results.models)]
    lines += [f"  {one.model}::{one.phase}: blocked: {one.reason}" for one in results.blocked]
    return "\n".join(line for line in lines if line)
