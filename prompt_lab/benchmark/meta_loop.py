"""The meta loop: benchmark, select a candidate, test it once, give feedback, enforce, again."""

from collections.abc import Generator
from pathlib import Path

from prompt_lab.benchmark.config_pulls import adopt_pulls, find_waiting
from prompt_lab.benchmark.cycle_candidates import choose_candidates, select_candidate, split_plans
from prompt_lab.benchmark.cycle_records import (
    CycleBaseline,
    CycleResults,
    MetaLoopHistory,
    OpenCycle,
    OpenLoop,
)
from prompt_lab.benchmark.cycle_report import write_reports
from prompt_lab.benchmark.cycle_test import conclude_pairs, conclude_warm_up
from prompt_lab.benchmark.folders import benchmarks_folder
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.open_benchmark import BenchmarkRequest, check_phase, read_suite
from prompt_lab.benchmark.promote_winner import promote_winner, tuned_alias
from prompt_lab.benchmark.routing_cycle import update_feedback, update_routing
from prompt_lab.benchmark.routing_rules import read_routing
from prompt_lab.benchmark.supervise import SuiteNeed, benchmark_results
from prompt_lab.clock import utc_now
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Outcome
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_record, write_record

HISTORY = "meta_loop_history.json"
OPEN_LOOP = "open_loop.json"
Needs = Generator[SuiteNeed, None, None]


def parse_baseline(ctx: LabContext, text: str) -> CycleBaseline:
    """'model suite phase' as typed; the phase may be left out. Raises ConfigError, UnknownName."""
    words = text.split()
    if len(words) not in (2, 3):
        example = "smollm2 atomic atomic"
        raise ConfigError(
            [f"--baseline {text!r}: give 'MODEL SUITE PHASE', such as --baseline {example!r}"]
        )
    suite = read_suite(ctx, words[1])
    check_phase(suite, words[2] if len(words) == 3 else "")
    [model] = ctx.select_models([words[0]])
    return CycleBaseline(model=model.alias, suite=suite.name, phase=suite.phase)


def cycles_folder(ctx: LabContext) -> Path:
    """Where the loop writes."""
    return benchmarks_folder(ctx.lab) / "cycles"


def read_history(ctx: LabContext) -> MetaLoopHistory:
    """All finished cycles, oldest first. Raises StoreError where the file is damaged."""
    path = cycles_folder(ctx) / HISTORY
    if not path.exists():
        return MetaLoopHistory()
    fix = "Restore it: its cycles are in CYCLE_*_RESULTS.json beside it"
    return read_record(path, MetaLoopHistory, fix=fix)


def run_meta_loop(
    ctx: LabContext, baseline: CycleBaseline, cycles: int, *, most_candidates: int, repeats: int
) -> Needs:
    """So many cycles, or the rest of those that were cut off. A finished cycle is never redone."""
    if not read_harness_config(ctx).meta_loop_enabled:
        raise ConfigError(
            [
                "meta_loop_enabled is false in the benchmark config, so no cycle runs:"
                " `prompt-lab benchmark config set meta_loop_enabled=true` switches it on"
            ]
        )
    split_plans(read_suite(ctx, baseline.suite).plans)
    path = cycles_folder(ctx) / OPEN_LOOP
    path.parent.mkdir(parents=True, exist_ok=True)
    loop = _open_loop(ctx, path, baseline, cycles)
    while (number := len(read_history(ctx).cycles) + 1) <= loop.last:
        if loop.cycle is None or loop.cycle.number != number:
            adopt_pulls(ctx)
            key = f"{baseline.model}::{baseline.phase}"
            waiting = find_waiting(ctx, key)
            if waiting is not None:
                say(
                    f"Pull request #{waiting.number} would change the baseline and is open"
                    f" ({waiting.url}): merge or close it, then give the command again."
                )
                break
            cycle = OpenCycle(number=number, tuned=tuned_alias(ctx, baseline))
            loop = loop.model_copy(update={"cycle": cycle})
            write_record(path, loop)
        loop = yield from _run_cycle(ctx, loop, path, most=most_candidates, repeats=repeats)
    path.unlink(missing_ok=True)


def _open_loop(ctx: LabContext, path: Path, baseline: CycleBaseline, cycles: int) -> OpenLoop:
    if path.exists():
        fix = "Remove it, and the command begins its cycles again"
        known = read_record(path, OpenLoop, fix=fix)
        if known.baseline == baseline:
            return known
    loop = OpenLoop(baseline=baseline, last=len(read_history(ctx).cycles) + cycles)
    write_record(path, loop)
    return loop


def _run_cycle(
    ctx: LabContext, loop: OpenLoop, path: Path, *, most: int, repeats: int
) -> Generator[SuiteNeed, None, OpenLoop]:
    cycle, baseline = loop.cycle, loop.baseline
    assert cycle is not None
    label, suite = f"cycle{cycle.number}", read_suite(ctx, baseline.suite)
    request = BenchmarkRequest(
        suite=suite.name, models=(cycle.tuned,), repeats=repeats, label=f"{label} baseline"
    )
    first = yield from benchmark_results(ctx, request)
    made = [first.number]
    found = CycleResults(cycle=cycle.number, generated_at=utc_now(), baseline=baseline)
    if not first.models:
        reason = "; ".join(one.reason for one in first.blocked)
        found = found.model_copy(update={"reason": f"routing blocks the baseline: {reason}"})
        _finish(ctx, found.model_copy(update={"benchmarks": tuple(made)}))
        return loop
    row = first.models[0]
    if cycle.candidates is None:
        history = [one for one in read_history(ctx).cycles if isinstance(one, CycleResults)]
        candidates, skipped = choose_candidates(ctx, suite, row.model, history, most=most)
        update = {"candidates": tuple(candidates), "skipped": tuple(skipped)}
        cycle = cycle.model_copy(update=update)
        loop = loop.model_copy(update={"cycle": cycle})
        write_record(path, loop)
    found = found.model_copy(
        update={
            "ran": row.model,
            "baseline_accuracy": row.accuracy,
            "baseline_low": row.low,
            "baseline_high": row.high,
            "candidates": cycle.candidates,
            "skipped": cycle.skipped,
        }
    )
    selecting, testing = split_plans(suite.plans)
    selected = yield from select_candidate(
        ctx, suite.name, row.model, cycle.candidates or (), plans=selecting, label=label
    )
    made += selected.benchmarks
    found = found.model_copy(update={"selection": selected.rows})
    if selected.winner is None:
        found = found.model_copy(update={"reason": "no candidate could be tried"})
    elif selected.winner.kind == "warm_up":
        found = conclude_warm_up(ctx, found, selected.winner, plans=testing)
    else:
        winner = selected.winner.alias_for(row.model)
        request = BenchmarkRequest(
            suite=suite.name,
            models=(row.model, winner),
            repeats=repeats,
            purpose="test",
            plans=testing,
            label=f"{label} test",
        )
        tested = yield from benchmark_results(ctx, request)
        made.append(tested.number)
        found = conclude_pairs(found, tested, winner)
    _finish(ctx, found.model_copy(update={"benchmarks": tuple(made)}))
    return loop


def _finish(ctx: LabContext, found: CycleResults) -> None:
    """Feedback and enforcer, the winner's pull request, then the files; the history comes last."""
    if read_harness_config(ctx).feedback_enabled:
        update_routing(ctx, update_feedback(ctx))
    if found.outcome == Outcome.YES:
        found = promote_winner(ctx, found)
    blocked = tuple(rule.target for rule in read_routing(ctx.lab).rules if not rule.allow)
    found = found.model_copy(update={"blocked": blocked})
    folder = cycles_folder(ctx)
    write_record(folder / f"CYCLE_{found.cycle}_RESULTS.json", found)
    history = MetaLoopHistory(cycles=(*read_history(ctx).cycles, found))
    write_reports(ctx.lab, folder, history)
    write_record(folder / HISTORY, history)
    ending = f"{found.outcome or 'nothing tested'}: {found.reason}"
    say(f"Cycle {found.cycle}: winner {found.winner or 'none'}: {ending}")
    if found.pull:
        say(f"  pull request ({found.pull_state}): {found.pull}")
