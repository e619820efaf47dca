"""The meta loop: benchmark, select a candidate, test it once, give feedback, enforce, again."""

from collections.abc import Generator, Sequence
from pathlib import Path

from prompt_lab.benchmark.candidates import (
    HarnessCandidate,
    apply_candidate,
    propose_candidates,
)
from prompt_lab.benchmark.cycle_records import (
    CycleBaseline,
    CycleResults,
    MetaLoopHistory,
    OpenLoop,
)
from prompt_lab.benchmark.cycle_report import write_reports
from prompt_lab.benchmark.cycle_test import cycle_alpha, decide_candidate
from prompt_lab.benchmark.folders import benchmarks_folder
from prompt_lab.benchmark.harness_config import read_harness_config, save_version
from prompt_lab.benchmark.open_benchmark import BenchmarkRequest, check_phase, read_suite
from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.benchmark.routing_rules import read_routing
from prompt_lab.benchmark.supervise import SuiteNeed, benchmark_results
from prompt_lab.clock import utc_now
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Outcome
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.variants import add_variants

HISTORY = "meta_loop_history.json"
OPEN_LOOP = "open_loop.json"
Needs = Generator[SuiteNeed, None, None]


def parse_baseline(ctx: LabContext, text: str) -> CycleBaseline:
    """'model suite phase' as typed; the phase may be left out. Raises ConfigError."""
    words = text.split()
    if len(words) not in (2, 3):
        raise ConfigError([f"--baseline {text!r}: give 'MODEL SUITE PHASE', such as 'smol atomic'"])
    suite = read_suite(ctx, words[1])
    check_phase(suite, words[2] if len(words) == 3 else "")
    [model] = ctx.select_models([words[0]])
    return CycleBaseline(model=model.alias, suite=suite.name, phase=suite.phase)


def cycles_folder(ctx: LabContext) -> Path:
    """Where the loop writes."""
    return benchmarks_folder(ctx.lab) / "cycles"


def read_history(ctx: LabContext) -> MetaLoopHistory:
    """All finished cycles, oldest first."""
    return read_if_whole(cycles_folder(ctx) / HISTORY, MetaLoopHistory) or MetaLoopHistory()


def run_meta_loop(
    ctx: LabContext, baseline: CycleBaseline, cycles: int, *, most_candidates: int, repeats: int
) -> Needs:
    """So many cycles, or the rest of those that were cut off. A finished cycle is never redone."""
    if not read_harness_config(ctx).meta_loop_enabled:
        raise ConfigError(["meta_loop_enabled is false in the benchmark config: switch it on"])
    path = cycles_folder(ctx) / OPEN_LOOP
    path.parent.mkdir(parents=True, exist_ok=True)
    loop = read_if_whole(path, OpenLoop)
    if loop is None or loop.baseline != baseline:
        loop = OpenLoop(baseline=baseline, last=len(read_history(ctx).cycles) + cycles)
        write_record(path, loop)
    while (number := len(read_history(ctx).cycles) + 1) <= loop.last:
        yield from _run_cycle(ctx, baseline, number, most=most_candidates, repeats=repeats)
    path.unlink(missing_ok=True)


def _run_cycle(
    ctx: LabContext, baseline: CycleBaseline, number: int, *, most: int, repeats: int
) -> Needs:
    tuned = tuned_alias(ctx, baseline)
    label = f"cycle{number}"

    def ask(models: tuple[str, ...], part: str, **more: object) -> BenchmarkRequest:
        return BenchmarkRequest(
            suite=baseline.suite,
            models=models,
            label=f"{label} {part}",
            repeats=repeats,
            **more,  # type: ignore[arg-type]
        )

    first = yield from benchmark_results(ctx, ask((tuned,), "baseline"))
    made = [first.number]
    found = CycleResults(cycle=number, generated_at=utc_now(), baseline=baseline)
    if first.models:
        ran = first.models[0].model
        candidates = _add_candidates(ctx, ran, baseline, number, most=most)
        left = list(candidates)
        selecting, testing = split_plans(read_suite(ctx, baseline.suite).plans)
        turn = 0
        while len(left) > 1:
            request = BenchmarkRequest(
                suite=baseline.suite,
                models=tuple(left),
                repeats=1,
                plans=selecting,
                purpose="selection",
                label=f"{label} selection {turn}",
            )
            selected = yield from benchmark_results(ctx, request)
            made.append(selected.number)
            left, turn = _better_half(selected, left), turn + 1
        if left:
            request = ask((ran, left[0]), "test", purpose="test", plans=testing)
            tested = yield from benchmark_results(ctx, request)
            made.append(tested.number)
            found = _decide(found, tested, ran, left[0], candidates)
        found = found.model_copy(update={"ran": ran, "baseline_accuracy": first.models[0].accuracy})
    else:
        reason = "; ".join(one.reason for one in first.blocked)
        found = found.model_copy(update={"reason": f"routing blocks the baseline: {reason}"})
    _finish(ctx, found.model_copy(update={"benchmarks": tuple(made)}))


def split_plans(plans: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(plans that select, plans that test): every third one selects.

    A seeded model answers the same plan alike each time, so the test of a selected candidate on the
    plans that selected it would count their luck again.

    >>> split_plans(["a", "b", "c", "d"])
    (('a', 'd'), ('b', 'c'))
    """
    if len(plans) < 2:
        raise ConfigError(["a cycle needs a suite of two plans or more: some select, others test"])
    selecting = tuple(plans[::3])
    return selecting, tuple(plan for plan in plans if plan not in selecting)


def tuned_alias(ctx: LabContext, baseline: CycleBaseline) -> str:
    """The alias that the best configuration so far runs under."""
    config = read_harness_config(ctx)
    tuning = config.tuning.get(f"{baseline.model}::{baseline.phase}")
    if not config.tuning_enabled or tuning is None or tuning.model not in ctx.models:
        return baseline.model
    return tuning.model


def _add_candidates(
    ctx: LabContext, ran: str, baseline: CycleBaseline, number: int, *, most: int
) -> dict[str, HarnessCandidate]:
    """Alias -> candidate: other ones in each cycle until all were tried, then from the start."""
    others = read_suite(ctx, baseline.suite).models
    pool = propose_candidates(ctx.models[ran], others, warm_up_on=True)
    start = (number - 1) * most % max(len(pool), 1)
    chosen = (pool[start:] + pool[:start])[:most]
    variants = {
        one.alias_for(ran): apply_candidate(ctx.models[ran], one)
        for one in chosen
        if one.kind != "model"
    }
    add_variants(ctx.lab, variants)
    ctx.models.update(variants)
    return {one.alias_for(ran): one for one in chosen}


def _better_half(selected: BenchmarkResults, left: list[str]) -> list[str]:
    accuracy = {row.model: row.accuracy or 0.0 for row in selected.models}
    ranked = sorted(left, key=lambda one: (-accuracy.get(one, -1.0), left.index(one)))
    return ranked[: max(1, len(ranked) // 2)]


def _decide(
    found: CycleResults,
    tested: BenchmarkResults,
    ran: str,
    winner: str,
    candidates: dict[str, HarnessCandidate],
) -> CycleResults:
    rows = {row.model: row for row in tested.models}
    update: dict[str, object] = {"candidates": tuple(candidates.values()), "winner": winner}
    if ran in rows and winner in rows:
        alpha = cycle_alpha(found.cycle)
        verdict = decide_candidate(rows[ran], rows[winner], alpha)
        update |= {
            "outcome": verdict.outcome.value,
            "reason": verdict.reasons[0].text,
            "p_value": verdict.p_value,
            "effect": verdict.effect,
            "alpha": alpha,
        }
    else:
        update["reason"] = "one side did not run: routing kept it away"
    return found.model_copy(update=update)


def _finish(ctx: LabContext, found: CycleResults) -> None:
    """Adopt the winner on a YES, then write the cycle; history.json comes last."""
    if found.outcome == Outcome.YES:
        key = f"{found.baseline.model}::{found.baseline.phase}"
        name = f"benchmarks/cycles/CYCLE_{found.cycle}_RESULTS.json"
        changes = {"tuning": {key: {"model": found.winner, "verdict": name}}}
        version = save_version(ctx, changes, actor="meta loop", reason=found.reason, now=utc_now())
        found = found.model_copy(update={"changed": True, "config_version": version.number})
    rules = read_routing(ctx.lab).rules
    blocked = tuple(rule.target for rule in rules if not rule.allow)
    found = found.model_copy(update={"blocked": blocked})
    folder = cycles_folder(ctx)
    write_record(folder / f"CYCLE_{found.cycle}_RESULTS.json", found)
    history = MetaLoopHistory(cycles=(*read_history(ctx).cycles, found))
    write_reports(ctx.lab, folder, history)
    write_record(folder / HISTORY, history)
    ending = f"{found.outcome or 'nothing tested'}: {found.reason}"
    say(f"Cycle {found.cycle}: winner {found.winner or 'none'}: {ending}")
