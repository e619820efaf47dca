"""The lattice of the sign-flip test: bounded in cells, exact at its level, for any values."""

import tracemalloc
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.policy import TIE
from prompt_lab.decide.signflip import CELLS, Walk, advance, p_values, start
from prompt_lab.decide.verdict import Pair, Policy, RunCell, Trial, Verdict, decide

MEMORY = 200 * 2**20  # bytes
LOOSE = 1e-9  # of p-values; the transform rounds to 1e-12
SCALES = st.floats(-9, 0).map(lambda exponent: 10**exponent)
SCORES = st.one_of(
    st.integers(0, 1).map(float),
    st.integers(0, 20).map(lambda k: k / 20),
    st.lists(st.sampled_from([0.1, 0.2, 0.3]), max_size=3).map(sum),
    st.floats(0, 1),
)
TWO = st.tuples(SCORES, SCORES)
SPLITS = (3, 6)
TIED = SCORES.map(lambda score: (score, score))


@st.composite
def scores_of_pairs(draw: st.DrawFn) -> list[tuple[float, float]]:
    """2 to 400 pairs of scores: any, equal but for one, or the same answer summed in two orders."""
    count, scale = draw(st.integers(2, 400)), draw(SCALES)
    kind = draw(st.sampled_from(["any", "one moves", "orders", "blocks"]))
    if kind == "any":
        found = draw(st.lists(TWO, min_size=count, max_size=count))
    elif kind == "one moves":
        found = [draw(TIED)] * (count - 1)
        found.insert(draw(st.integers(0, count - 1)), draw(TWO))
    elif kind == "orders":
        found = [(0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1)] * count
    else:  # each part of the trial on a scale of its own
        parts = draw(st.lists(st.tuples(TWO, SCALES), min_size=1, max_size=6))
        found = [(a * s, b * s) for (a, b), s in parts for _ in range(count // len(parts) + 1)]
        found = found[:count]
    return [(min(1.0, a * scale), min(1.0, b * scale)) for a, b in found]


def pairs_in_order(plans: tuple[str, ...], scores: list[tuple[float, float]]) -> list[Pair]:
    return [Pair("m", plan, 0, *two) for plan, two in zip(plans, scores, strict=True)]


def conclude_trial(policy: Policy, scores: list[tuple[float, float]]) -> tuple[Verdict, list[Pair]]:
    """The trial's verdict, with the scores in the order in which it takes its plans."""
    trial = Trial(policy, ["m"], [f"plan {i:03d}" for i in range(len(scores))])
    pairs = {pair.cell: pair for pair in pairs_in_order(trial.plans, scores)}
    while cells := trial.next_batch():
        trial.update(pairs[cell] for cell in cells)
    assert trial.verdict is not None
    return trial.verdict, list(pairs.values())


@settings(deadline=None, max_examples=12)  # tracemalloc makes each several times slower
@given(scores_of_pairs(), st.integers(1, 8))
def test_any_pairs_are_decided_in_bounded_memory(
    scores: list[tuple[float, float]], looks: int
) -> None:
    tracemalloc.start()
    try:
        verdict, pairs = conclude_trial(Policy(max_plans=400, looks=looks), scores)
        alone = decide(pairs, Policy(max_plans=400))
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    assert alone.outcome in {"YES", "NO", "CONDITIONAL"}
    assert verdict.outcome in {"YES", "NO", "CONDITIONAL"}


@settings(deadline=None, max_examples=40)
@given(scores_of_pairs())
def test_a_trial_of_one_look_agrees_with_decide(scores: list[tuple[float, float]]) -> None:
    verdict, pairs = conclude_trial(Policy(max_plans=400, mode="fixed"), scores)
    alone = decide(pairs, Policy(max_plans=400))
    assert (verdict.outcome, verdict.flips) == (alone.outcome, alone.flips)
    for name in ("effect", "p_value", "p_worse", "claimed"):
        assert getattr(verdict, name) == pytest.approx(getattr(alone, name), abs=LOOSE)


@settings(deadline=None, max_examples=40)
@given(scores_of_pairs(), st.data())
def test_looks_at_ties_change_no_p_value(
    scores: list[tuple[float, float]], data: st.DataObject
) -> None:
    values = np.array([b - a for a, b in scores])
    ties, walk = data.draw(st.lists(st.integers(1, 50), max_size=4)), start()
    for count in ties:
        walk = advance(walk, np.full(count, TIE / 2), 0.01).walk
    step = advance(walk, values, 0.05)
    assert (step.p_better, step.p_worse) == p_values(values)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-20, 20), min_size=2, max_size=200), SCALES, st.data())
def test_the_p_value_of_looks_is_that_of_one_look_and_what_was_spent(
    parts: list[int], scale: float, data: st.DataObject
) -> None:
    values = np.array(parts) / 20 * scale
    if (np.abs(values) < TIE)[np.array(parts) != 0].any():
        return
    cuts = sorted(data.draw(st.lists(st.integers(0, len(parts)), max_size=3)))
    walk, spent = start(), 0.0
    for at, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(parts)], strict=True), 1):
        step = advance(walk, values[first:last], 0.01 * at)
        if step.better or last == len(parts):
            alone = p_values(values[:last])[0]
            assert alone - LOOSE <= step.p_better <= min(1.0, alone + spent) + LOOSE
            break
        walk, spent = step.walk, step.walk.spent


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.floats(-1, 1), max_size=100), max_size=5), st.lists(SCALES, min_size=5))
def test_a_walk_takes_no_more_cells_than_stated(
    looks: list[list[float]], scales: list[float]
) -> None:
    walk: Walk = start()
    for look, scale in zip(looks, scales, strict=False):
        step = advance(walk, np.array(look) * scale, 0.01)
        walk = step.walk
        assert len(walk.density) <= CELLS * np.sqrt(max(1, len(walk.sizes)))
        assert 0 <= step.p_better <= 1
        assert 0 <= step.p_worse <= 1


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 0.3])
@given(st.lists(st.integers(-10, 10).map(lambda k: k / 10), min_size=1, max_size=60))
def test_the_scale_of_the_scores_changes_no_p_value(scale: float, values: list[float]) -> None:
    found = np.array(values)
    assert p_values(found * scale) == pytest.approx(p_values(found), abs=LOOSE)


def looks_of(rng: np.random.Generator, kind: str) -> list[Floats]:
    """The sizes of ten plans in three looks, each of which asks for another lattice."""
    sizes = np.abs(rng.normal(0, 0.3, 10)) + 1e-3
    if kind == "coarse first":
        sizes[:3] = [1.0, 0.0, 0.0]
    if kind == "tiny first":
        sizes[:3] *= 1e-4
    if kind == "common steps":
        sizes = np.array([1 / 2, 1 / 2, 1, 1 / 3, 1 / 3, 2 / 3, 1 / 5, 2 / 7, 1, 0.45])
    return np.split(sizes, SPLITS)


def flip_all(looks: list[Floats], levels: list[float], walk: Walk) -> Iterator[tuple[bool, bool]]:
    """(better at any look, worse at any look) for each flip of the signs of all sizes."""
    if not looks:
        yield False, False
        return
    for signs in product((1, -1), repeat=len(looks[0])):
        step = advance(walk, looks[0] * np.array(signs), levels[0])
        for better, worse in flip_all(looks[1:], levels[1:], step.walk):
            yield step.better or better, step.worse or worse


@pytest.mark.parametrize("kind", ["irregular", "coarse first", "tiny first", "common steps"])
@pytest.mark.parametrize("seed", range(2))
def test_on_a_changing_lattice_no_more_flips_cross_than_alpha(kind: str, seed: int) -> None:
    looks = looks_of(np.random.default_rng(seed), kind)
    found = list(flip_all(looks, [0.1, 0.15, 0.2], start()))
    better, worse = (sum(side) for side in zip(*found, strict=True))
    assert len(found) == 2**10
    assert better == worse <= 0.2 * 2**10
    assert better > 0.13 * 2**10  # little of the level is left unused


@pytest.mark.parametrize("seed", range(6))
def test_p_values_are_those_of_an_independent_permutation_test(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0.1, 0.3, 12) * 10.0 ** -(seed % 4)
    reference = permutation_test(
        (values, np.zeros(12)),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert p_values(values)[0] == pytest.approx(reference.pvalue, abs=0.01)
    looks, walk = np.split(values, [3, 7]), start()
    for part in looks:  # nothing is spent: the same test, on a lattice that changes
        step = advance(walk, part, 0.0)
        walk = step.walk
    assert step.p_better == pytest.approx(reference.pvalue, abs=0.015)


def test_the_first_moving_look_does_not_fix_the_lattice() -> None:
    scores = [(0.0, 1.0)] + [(0.5, 0.5)] * 19 + [(0.2, 0.65)] * 40
    verdict, pairs = conclude_trial(Policy(max_plans=60, looks=3, futility=0), scores)
    assert verdict.outcome == decide(pairs, Policy()).outcome == "YES"
    walk = start()
    for first, last in ((0, 20), (20, 60)):
        values = np.array([b - a for a, b in scores[first:last]])
        step = advance(walk, values, 1e-12)
        walk = step.walk
    assert step.p_better == pytest.approx(2.0**-41, rel=1)


def test_differences_below_a_billionth_are_ties() -> None:
    pairs = [
        Pair(*RunCell("m", f"plan {i}", 0), 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1) for i in range(18)
    ]
    verdict = decide(pairs, Policy())
    assert (verdict.outcome, verdict.effect, verdict.p_value) == ("NO", 0.0, 1.0)
    assert (verdict.flips.won, verdict.flips.lost, verdict.flips.tied) == (0, 0, 18)
    thirds = [
        Pair(
            model,
            f"plan {i}",
            0,
            1 / 3 if model == "m1" else 2 / 3,
            2 / 3 if model == "m1" else 1 / 3,
        )
        for i in range(9)
        for model in ("m0", "m1", "m2")
        if model != "m2" or i
    ]
    assert decide(thirds, Policy()).outcome in {"NO", "CONDITIONAL"}
    small = [Pair("m", f"plan {i}", 0, 0.5, 0.5 + 1e-7) for i in range(18)]
    assert decide(small, Policy()).outcome == "YES"
