"""A cycle's candidates: which it tries, and successive halving on the plans that select."""

from collections import Counter
from collections.abc import Generator, Sequence
from typing import NamedTuple

from prompt_lab.benchmark.candidates import (
    HarnessCandidate,
    apply_candidate,
    choose_untried,
    keep_better_half,
    propose_candidates,
    split_rounds,
)
from prompt_lab.benchmark.cycle_records import CycleResults, SelectedCandidate
from prompt_lab.benchmark.enforce_routing import validate_model_phase_compatibility
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.open_benchmark import BenchmarkRequest
from prompt_lab.benchmark.routing_rules import read_routing
from prompt_lab.benchmark.supervise import SuiteNeed, benchmark_results
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.variants import add_variants


class Selection(NamedTuple):
    """What successive halving ended with."""

    winner: HarnessCandidate | None
    rows: tuple[SelectedCandidate, ...]
    benchmarks: tuple[int, ...]


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


def choose_candidates(
    ctx: LabContext, suite: SuiteConfig, ran: str, history: Sequence[CycleResults], *, most: int
) -> tuple[list[HarnessCandidate], list[str]]:
    """(candidates, those left out with the reason): the ones that this model tried least often.

    Their models become aliases of the lab. Another model is left out where it cannot be used, or
    where routing keeps it from the phase.
    """
    config = read_harness_config(ctx)
    warm_up_on = config.warm_up.enabled or ran in config.warm_up.models
    pool, skipped = [], []
    for one in propose_candidates(ctx.models[ran], suite.models, warm_up_on=warm_up_on):
        problem = _why_not(ctx, suite, str(one.value)) if one.kind == "model" else None
        if problem:
            skipped.append(f"{one.name}: {problem}")
        else:
            pool.append(one)
    tried = Counter(
        candidate.name
        for cycle in history
        if (cycle.ran, cycle.baseline.suite) == (ran, suite.name)
        for candidate in cycle.candidates
    )
    chosen = choose_untried(pool, tried, most)
    own = [one for one in chosen if one.kind != "model"]
    variants = {one.alias_for(ran): apply_candidate(ctx.models[ran], one) for one in own}
    add_variants(ctx.lab, variants)
    ctx.models.update(variants)
    return chosen, skipped


def _why_not(ctx: LabContext, suite: SuiteConfig, name: str) -> str | None:
    [model] = ctx.select_models([name])
    problem = ctx.why_not(model, suite.step)
    known = validate_model_phase_compatibility(model.alias, suite.phase, read_routing(ctx.lab))
    return problem or (None if known.allow else f"routing keeps it away: {known.reason}")


def select_candidate(
    ctx: LabContext,
    suite: str,
    ran: str,
    candidates: Sequence[HarnessCandidate],
    *,
    plans: Sequence[str],
    label: str,
) -> Generator[SuiteNeed, None, Selection]:
    """Ask all candidates a part of the plans, the better half another part, until one is left."""
    by_alias = {one.alias_for(ran): one for one in candidates}
    left, made = list(by_alias), list[int]()
    answers: dict[str, list[bool]] = {alias: [] for alias in by_alias}
    warm = tuple(alias for alias, one in by_alias.items() if one.kind == "warm_up")
    for turn, part in enumerate(split_rounds(plans, len(left))):
        request = BenchmarkRequest(
            suite=suite,
            models=tuple(left),
            repeats=1,
            plans=part,
            purpose="selection",
            warm_models=warm,
            label=f"{label} selection {turn}",
        )
        results = yield from benchmark_results(ctx, request)
        made.append(results.number)
        for row in results.models:
            marks = "".join(plan.pattern for plan in row.plans)
            answers[row.model] += [mark == "P" for mark in marks]
        left = keep_better_half(left, answers)
    rows = tuple(
        SelectedCandidate(name=by_alias[alias].name, passed=sum(seen), total=len(seen))
        for alias, seen in answers.items()
    )
    return Selection(by_alias[left[0]] if left else None, rows, tuple(made))
