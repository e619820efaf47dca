"""The selector: samples against uniform allocation, bounded exploration, and stable choices."""

from collections.abc import Sequence
from itertools import accumulate, permutations
from math import ceil
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from prompt_lab.config.promptops import SelectorConfig
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.selection.evidence import GroupCounter, count_evidence
from prompt_lab.promptops.selection.pareto import tabulate_variants
from prompt_lab.promptops.selection.posterior import find_chance, rank_candidates
from prompt_lab.promptops.selection.records import (
    SelectionContext,
    SelectionEvidence,
    VariantEvidence,
)
from prompt_lab.promptops.selection.selector import Selector
from tests.prompt_lab.promptops.bandits import (
    WORLDS,
    BanditWorld,
    choose_by_selector,
    choose_uniformly,
    measure,
    run_world,
)

SAVED = 0.37
"""The promise: samples saved against uniform allocation to the same confidence."""
NAMES = ("a", "b", "c")
CONTEXT = SelectionContext("query", "orders")
counts = st.integers(0, 200)
known = st.builds(VariantEvidence, successes=counts, failures=counts)
evidences = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, known))


def check_saving(world: BanditWorld, runs: int, errors: float) -> None:
    """Fewer samples, few errors, exploration within its bound."""
    uniform = measure(world, choose_uniformly, runs=runs)
    chosen = measure(world, choose_by_selector, runs=runs)
    assert chosen.samples <= (1 - SAVED) * uniform.samples
    assert chosen.errors <= errors
    assert chosen.explored <= SelectorConfig().exploration


@pytest.mark.parametrize(
    "world", [one for one in WORLDS if one.look < 200], ids=lambda one: one.name
)
def test_it_takes_37_percent_fewer_samples_than_uniform_allocation(world: BanditWorld) -> None:
    check_saving(world, 20, 0.1)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("world", WORLDS, ids=lambda one: one.name)
def test_it_takes_37_percent_fewer_samples_in_200_runs(world: BanditWorld) -> None:
    check_saving(world, 200, 0.05)


def test_a_run_with_the_same_seed_is_the_same() -> None:
    runs = [run_world(WORLDS[1], choose_by_selector, seed=5) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != run_world(WORLDS[1], choose_by_selector, seed=6)


@settings(max_examples=30)
@given(
    share=st.floats(0.01, 0.5),
    settled=st.floats(0, 0.01),
    updates=st.lists(evidences, min_size=1, max_size=4),
    length=st.integers(1, 100),
    seed=st.integers(0, 2**32),
)
def test_no_window_of_choices_explores_more_than_its_share(
    share: float,
    settled: float,
    updates: Sequence[dict[str, VariantEvidence]],
    length: int,
    seed: int,
) -> None:
    selector = Selector(SelectorConfig(exploration=share, settled=settled, seed=seed))
    explored = []
    for update in updates:
        selector.learn(SelectionEvidence(groups={"query": {CONTEXT.key: update}}))
        explored += [selector.choose(CONTEXT, "a", NAMES).explored for _ in range(100)]
    sums = [0, *accumulate(explored)]
    most = max(end - begin for begin, end in zip(sums, sums[length:], strict=False))
    assert most <= ceil(length * share)
    assert sum(explored) <= share * len(explored)


def test_it_explores_at_all() -> None:
    selector = Selector(SelectorConfig())
    chosen = [selector.choose(CONTEXT, "a", NAMES) for _ in range(1000)]
    assert {one.variant for one in chosen if one.explored} == {"b"}  # the first that lacks calls
    assert 60 <= sum(one.explored for one in chosen) <= 100
    assert {one.variant for one in chosen if not one.explored} == {"a"}


@settings(max_examples=30)
@given(evidence=evidences, seed=st.integers(0, 99))
def test_same_seed_and_log_give_the_same_choices(
    evidence: dict[str, VariantEvidence], seed: int
) -> None:
    rows = []
    for order in (NAMES, NAMES[::-1]):
        log = SelectionEvidence(groups={"query": {CONTEXT.key: evidence}})
        selector = Selector(SelectorConfig(seed=seed), log)
        rows.append([selector.choose(CONTEXT, "a", order) for _ in range(60)])
    assert rows[0] == rows[1]
    assert len({one.leader for one in rows[0]}) == 1


def test_ties_go_to_the_cheaper_then_the_faster_then_the_smaller_name() -> None:
    def order_of(**given: VariantEvidence) -> tuple[str, ...]:
        found = {rank_candidates("z", names, given).order for names in permutations(given)}
        assert len(found) == 1
        return next(iter(found))

    same = VariantEvidence(successes=30, failures=30)
    cheap, dear = same.model_copy(update={"cost_usd": 0.1}), same.model_copy(update={"cost_usd": 2})
    fast, late = (cheap.model_copy(update={"latency_ms": ms}) for ms in (5, 90))
    assert order_of(a=same, b=same, z=same) == ("z", "a", "b")
    assert order_of(a=dear, b=cheap, z=same) == ("z", "b", "a")
    assert order_of(a=late, b=fast, z=same) == ("z", "b", "a")


def test_the_current_text_leads_until_another_is_clearly_better() -> None:
    def leader(b: tuple[float, float]) -> str:
        found = {"a": VariantEvidence(successes=60, failures=40)}
        found["b"] = VariantEvidence(successes=b[0], failures=b[1])
        return rank_candidates("a", NAMES, found).leader

    assert leader((9, 0)) == "a"  # too few calls, however good
    assert leader((62, 38)) == "a"
    assert leader((75, 25)) == "b"


def test_limits_of_a_context_leave_out_what_is_dear_or_slow_but_not_the_current_text() -> None:
    costs = {"a": (50, 9.0), "b": (90, 9.0), "c": (80, 0.1)}
    found = {
        name: VariantEvidence(successes=n, failures=100 - n, cost_usd=usd, latency_ms=100 * usd)
        for name, (n, usd) in costs.items()
    }
    evidence = SelectionEvidence(groups={"query": {CONTEXT.key: found}})
    selector = Selector(SelectorConfig(), evidence)
    assert selector.choose(CONTEXT, "a", NAMES).leader == "b"
    for limited in (CONTEXT._replace(max_cost_usd=1.0), CONTEXT._replace(max_latency_ms=500.0)):
        assert selector.choose(limited, "a", NAMES).leader == "c"
    nothing = selector.choose(CONTEXT._replace(max_cost_usd=0.01), "a", NAMES)
    assert (nothing.variant, nothing.reason) == ("a", "within_limits")


@pytest.mark.parametrize(
    ("one", "other"), [((60, 40), (50, 50)), ((9, 3), (30, 30)), ((0, 12), (1, 11))]
)
def test_the_chance_to_be_better_is_that_of_beta_posteriors(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    drawn = [
        beta.rvs(s + 1, f + 1, size=200_000, random_state=seed)
        for seed, (s, f) in enumerate((one, other))
    ]
    exact = float((drawn[0] > drawn[1]).mean())
    found = [VariantEvidence(successes=s, failures=f) for s, f in (one, other)]
    assert find_chance(*found) == pytest.approx(exact, abs=0.03)


def test_a_change_is_forgotten_and_a_steady_share_is_not() -> None:
    rng = Random(3)
    steady = [GroupCounter() for _ in range(20)]
    for counter in steady:
        for _ in range(2000):
            counter.add("a", float(rng.random() < 0.7))
    assert sum(one.changes for one in steady) == 0
    moved = steady[0]
    moved.add("b", 1.0)
    for _ in range(200):
        moved.add("a", float(rng.random() < 0.3))
    assert moved.changes == 1
    assert moved.read()["a"].mean < 0.45
    assert moved.read()["b"].calls == 0


def make_call(number: int, **facts: object) -> CallOutcome:
    given = {
        "trace": f"t{number:04}",
        "when": f"2026-01-01T00:00:{number % 60:02}.000Z",
        "prompt_id": "query",
        "task_class": "orders",
        "variant": NAMES[number % 3],
        "success": number % 5 > number % 3,
    }
    return CallOutcome.model_validate(given | facts)


@settings(max_examples=20)
@given(st.permutations(range(40)))
def test_evidence_is_counted_the_same_in_whatever_order(order: Sequence[int]) -> None:
    calls = [make_call(n, confidence=(None, 0.2, 0.9)[n % 3]) for n in range(40)]
    assert count_evidence([calls[n] for n in order]) == count_evidence(calls)


def test_calls_without_variant_or_result_are_no_evidence() -> None:
    rows = [make_call(1, variant=""), make_call(2, success=None), make_call(3, feedback="up")]
    groups = count_evidence(rows).groups
    assert list(groups) == ["query"]
    assert sum(one.calls for one in groups["query"]["orders /  / "].values()) == 1


def test_the_pareto_table_marks_what_no_other_variant_beats_on_the_same_model() -> None:
    facts = {"a": (0.5, 1.0), "b": (0.8, 2.0), "c": (0.4, 1.5)}
    calls = [
        make_call(n, variant=name, model=model, success=n % 10 < 10 * share, cost_usd=usd)
        for model in ("large", "small")
        for name, (share, usd) in facts.items()
        for n in range(50)
    ]
    rows = tabulate_variants(calls)
    assert [(one.model, one.variant, one.is_best) for one in rows] == [
        (model, name, name != "c") for model in ("large", "small") for name in ("b", "a", "c")
    ]
    assert rows[0].low < rows[0].success == 0.8 < rows[0].high
    assert rows[0].cost_usd == pytest.approx(2.0)
    assert rows[0].latency_ms is None
